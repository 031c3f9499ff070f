"""Missions, assignments, updates, changes and receipts.

Owns the shape of the rows. `missions.services` is the only writer.
"""

import datetime as dt
import uuid
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.utils import timezone

from agents.models import CLEARANCE_CHOICES, ROLE_CHOICES
from agents.roles import Clearance
from missions import limits
from missions.audiences import STREAMS
from missions.protocol import Kind, Status


def seq_column(stream: int) -> str:
    """The name of the column that holds an update's number in that stream."""
    return f"seq_{stream}"


def new_epochs() -> list[str]:
    """Sixteen fresh epochs, one for each stream."""
    return [uuid.uuid4().hex for _ in STREAMS]


def no_numbers() -> list[int]:
    """The newest number of each stream of an empty log."""
    return [0 for _ in STREAMS]


_CLEARANCES = (min(Clearance).value, max(Clearance).value)


class Mission(models.Model):
    """A mission. `position`, `numbers` and `epochs` are the heads of its log and its 16 streams.

    They are read and given under this row's lock and never leave the server as they are.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    codename = models.CharField(max_length=limits.CODENAME_LENGTH)
    objective = models.TextField(blank=True, default="")
    status = models.CharField(
        max_length=9, choices=[(s.value, s.value) for s in Status], default=Status.PLANNED.value
    )
    classification = models.PositiveSmallIntegerField(choices=CLEARANCE_CHOICES)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+"
    )
    created_at = models.DateTimeField(default=timezone.now)
    changed_at = models.DateTimeField(default=timezone.now, db_index=True)
    access_revision = models.PositiveBigIntegerField(default=1)
    position = models.PositiveBigIntegerField(default=0)
    numbers = models.JSONField(default=no_numbers)
    epochs = models.JSONField(default=new_epochs)
    exported_position = models.PositiveBigIntegerField(default=0)

    now: dt.datetime
    """The database's time when the row was locked; set by `services.locked`."""

    class Meta:
        ordering = ("codename", "id")
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.CheckConstraint(
                condition=models.Q(classification__range=_CLEARANCES),
                name="mission_classification_known",
            ),
            models.CheckConstraint(
                condition=models.Q(status__in=[s.value for s in Status]),
                name="mission_status_known",
            ),
        ]

    def __str__(self) -> str:
        return str(self.id)


class Assignment(models.Model):
    """An agent is a member of a mission."""

    mission = models.ForeignKey(Mission, on_delete=models.CASCADE, related_name="assignments")
    agent = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="assignments"
    )
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["agent", "mission"], name="assignment_once")
        ]

    def __str__(self) -> str:
        return f"{self.agent_id} on {self.mission_id}"


class Numbers(models.Model):
    """The number of an update in each stream that has it; null where a stream lacks it.

    A column and a partial index a stream: a page or a resume is one indexed read wherever it
    starts, and costs the same however much is hidden in between.
    """

    class Meta:
        abstract = True


for _stream in STREAMS:
    Numbers.add_to_class(seq_column(_stream), models.PositiveBigIntegerField(null=True))


class Update(Numbers):
    """One entry of a mission's log. `roles` is the mask of `audiences.roles_mask`."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    mission = models.ForeignKey(Mission, on_delete=models.CASCADE, related_name="updates")
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="updates"
    )
    author_codename = models.CharField(max_length=64)
    author_role = models.CharField(max_length=16, choices=ROLE_CHOICES)
    kind = models.CharField(max_length=8, choices=[(k.value, k.value) for k in Kind])
    body = models.TextField()
    data = models.JSONField(default=dict)
    classification = models.PositiveSmallIntegerField(choices=CLEARANCE_CHOICES)
    roles = models.PositiveSmallIntegerField(default=0)
    requires_ack = models.BooleanField(default=False)
    ack_within = models.PositiveIntegerField(null=True)
    client_id = models.CharField(max_length=limits.CLIENT_ID_LENGTH, null=True)
    created_at = models.DateTimeField(default=timezone.now)
    ack_due_at = models.DateTimeField(null=True)
    overdue_at = models.DateTimeField(null=True)
    overdue_told_at = models.DateTimeField(null=True)
    retracted_at = models.DateTimeField(null=True)
    revised_at = models.DateTimeField(null=True)
    position = models.PositiveBigIntegerField()

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["mission", "position"], name="update_position_once"),
            models.UniqueConstraint(
                fields=["mission", "author", "client_id"], name="update_client_id_once"
            ),
            models.CheckConstraint(
                condition=models.Q(classification__range=_CLEARANCES),
                name="update_classification_known",
            ),
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(
                fields=["mission", seq_column(stream)],
                condition=models.Q(**{f"{seq_column(stream)}__isnull": False}),
                name=f"update_stream_{stream}",
            )
            for stream in STREAMS
        ] + [
            models.Index(fields=["mission", "author", "position"], name="update_sent"),
            models.Index(
                fields=["mission", "position"],
                condition=models.Q(requires_ack=True),
                name="update_asks",
            ),
            models.Index(
                fields=["ack_due_at"],
                condition=models.Q(ack_due_at__isnull=False, overdue_at__isnull=True),
                name="update_ack_due",
            ),
            models.Index(
                fields=["mission", "overdue_at"],
                condition=models.Q(overdue_at__isnull=False),
                name="update_overdue",
            ),
            models.Index(
                fields=["overdue_at"],
                condition=models.Q(overdue_at__isnull=False, overdue_told_at__isnull=True),
                name="update_overdue_untold",
            ),
        ]

    def __str__(self) -> str:
        return str(self.id)


class Change(models.Model):
    """What happened to a mission's log at one position: what healing reads.

    `numbers` maps a stream to the number given at this position, `epochs` a stream to its epoch
    then; both have the streams as text, as JSON wants it. `revised` is what a revision did to one
    update: `missions.protocol.Revised`.
    """

    mission = models.ForeignKey(Mission, on_delete=models.CASCADE, related_name="changes")
    position = models.PositiveBigIntegerField()
    kind = models.CharField(max_length=12, default="update")
    update = models.ForeignKey(Update, on_delete=models.CASCADE, null=True, related_name="+")
    numbers = models.JSONField()
    epochs = models.JSONField()
    revised = models.JSONField(null=True)

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["mission", "position"], name="change_position_once")
        ]

    def __str__(self) -> str:
        return f"{self.mission_id} at {self.position}"


class Receipt(models.Model):
    """An agent's acknowledgement of an update that requires one; the first time stands."""

    update = models.ForeignKey(Update, on_delete=models.CASCADE, related_name="receipts")
    agent = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="receipts"
    )
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["update", "agent"], name="receipt_once")
        ]

    def __str__(self) -> str:
        return f"{self.agent_id} acknowledged {self.update_id}"


class Presence(models.Model):
    """A connection follows a mission now; gone with the connection or its worker's lease."""

    mission = models.ForeignKey(Mission, on_delete=models.CASCADE, related_name="presences")
    connection = models.ForeignKey(
        "agents.Connection", on_delete=models.CASCADE, related_name="presences"
    )

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["connection", "mission"], name="presence_once")
        ]

    def __str__(self) -> str:
        return f"{self.connection_id} on {self.mission_id}"
