"""Agents, their sessions and tickets.

Owns the shape of the rows and what the database itself must hold. Rules of who may change what
are in `agents.accounts` and `agents.sessions`, which are the only writers.
"""

import uuid
from typing import Any, ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.core.validators import RegexValidator
from django.db import models
from django.db.models.functions import Lower
from django.utils import timezone

from agents.roles import Clearance, Role, Viewer

ROLE_CHOICES = [(role.value, role.value) for role in Role]
CLEARANCE_CHOICES = [(clearance.value, clearance.wire) for clearance in Clearance]

no_control_characters = RegexValidator(
    r"^[^\x00-\x1f\x7f]*$", "Control characters are not allowed.", code="control_characters"
)


class AgentManager(BaseUserManager["Agent"]):
    """Makes rows. Called by `agents.accounts.create_agent`, which audits; nobody else should."""

    def create_user(self, username: str, password: str | None = None, **fields: Any) -> "Agent":
        """A validated agent; without a password it has an unusable one. `ValidationError` else."""
        agent = self.model(username=username, **fields)
        agent.set_password(password)
        agent.full_clean(exclude=["password"])
        agent.save(using=self._db)
        return agent

    def create_superuser(
        self, username: str, password: str | None = None, **fields: Any
    ) -> "Agent":
        """An agent with every admin right."""
        fields.setdefault("codename", username)
        fields.setdefault("role", Role.DIRECTOR)
        fields.setdefault("clearance", Clearance.TOP_SECRET)
        return self.create_user(username, password, is_staff=True, is_superuser=True, **fields)


class Agent(AbstractBaseUser, PermissionsMixin):
    """An account. `access_revision` rises with every change of what the agent may see."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    username = models.CharField(
        max_length=64,
        unique=True,
        validators=[
            RegexValidator(
                r"^[A-Za-z0-9][A-Za-z0-9._@+-]*\Z",
                "Letters, digits and . _ @ + - only, starting with a letter or digit.",
            )
        ],
        error_messages={"unique": "An agent with that username exists already."},
    )
    codename = models.CharField(
        max_length=64,
        unique=True,
        validators=[no_control_characters],
        error_messages={"unique": "An agent with that codename exists already."},
    )
    role = models.CharField(max_length=16, choices=ROLE_CHOICES, default=Role.FIELD_OPERATIVE.value)
    clearance = models.PositiveSmallIntegerField(
        choices=CLEARANCE_CHOICES, default=Clearance.RESTRICTED.value
    )
    is_active = models.BooleanField(
        "active", default=True, help_text="An inactive agent is refused everywhere, at once."
    )
    is_staff = models.BooleanField("staff", default=False, help_text="May enter this admin.")
    is_demo = models.BooleanField(default=False, editable=False)
    access_revision = models.PositiveBigIntegerField(default=1, editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    objects: ClassVar[AgentManager] = AgentManager()

    USERNAME_FIELD = "username"
    REQUIRED_FIELDS: ClassVar[list[str]] = ["codename"]

    class Meta:
        ordering = ("codename",)
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                Lower("username"),
                name="agent_username_any_case",
                violation_error_message="An agent with that username exists already.",
            ),
            # A log names its authors by codename alone: keel must not pass for Keel.
            models.UniqueConstraint(
                Lower("codename"),
                name="agent_codename_any_case",
                violation_error_message="An agent with that codename exists already.",
            ),
            models.CheckConstraint(
                condition=models.Q(role__in=[role.value for role in Role]), name="agent_role_known"
            ),
            models.CheckConstraint(
                condition=models.Q(clearance__range=(min(Clearance).value, max(Clearance).value)),
                name="agent_clearance_known",
            ),
        ]

    def __str__(self) -> str:
        return self.codename

    @property
    def viewer(self) -> Viewer:
        """The viewer class that the agent belongs to."""
        return Viewer(Role(self.role), Clearance(self.clearance))


class Session(models.Model):
    """One login = one refresh-token family on one device. Holds no token, only its generation."""

    class Kind(models.TextChoices):
        LOGIN = "login"
        SERVICE = "service"
        ADMIN = "admin"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    agent = models.ForeignKey(Agent, on_delete=models.CASCADE, related_name="sessions")
    kind = models.CharField(max_length=8, choices=Kind.choices, default=Kind.LOGIN)
    name = models.CharField(max_length=80, blank=True, default="")
    generation = models.PositiveIntegerField(default=1)
    rotated_at = models.DateTimeField(default=timezone.now)
    refresh_expires_at = models.DateTimeField(null=True)
    expires_at = models.DateTimeField()
    created_at = models.DateTimeField(default=timezone.now)
    address = models.GenericIPAddressField(null=True)
    user_agent = models.CharField(max_length=200, blank=True, default="")
    ended_at = models.DateTimeField(null=True)
    ended_reason = models.CharField(max_length=32, blank=True, default="")

    class Meta:
        ordering = ("-created_at", "id")
        indexes: ClassVar[list[models.Index]] = [
            models.Index(
                fields=["agent"], condition=models.Q(ended_at__isnull=True), name="session_of_agent"
            )
        ]

    def __str__(self) -> str:
        return str(self.id)


class Ticket(models.Model):
    """A single-use credential for opening one WebSocket. Only its SHA-256 is kept."""

    digest = models.CharField(primary_key=True, max_length=64)
    session = models.ForeignKey(Session, on_delete=models.CASCADE)
    access_expires_at = models.DateTimeField()
    expires_at = models.DateTimeField(db_index=True)
    used_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"ticket of {self.session_id}"


class RecoveryCode(models.Model):
    """A single-use code for an agent who lost the second factor. Only its hash is kept."""

    agent = models.ForeignKey(Agent, on_delete=models.CASCADE, related_name="recovery_codes")
    digest = models.CharField(max_length=64)
    used_at = models.DateTimeField(null=True)

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["agent", "digest"], name="recovery_code_once")
        ]

    def __str__(self) -> str:
        return f"recovery code of {self.agent_id}"


class Worker(models.Model):
    """A process that serves sockets. Alive until `lease_until`, by the database's clock."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    started_at = models.DateTimeField()
    lease_until = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return str(self.id)


class Connection(models.Model):
    """One WebSocket of a session. Open while `closed_at` is null and its worker's lease holds."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    agent = models.ForeignKey(Agent, on_delete=models.CASCADE, related_name="connections")
    session = models.ForeignKey(Session, on_delete=models.CASCADE, related_name="connections")
    worker = models.ForeignKey(Worker, on_delete=models.CASCADE, related_name="connections")
    address = models.GenericIPAddressField(null=True)
    user_agent = models.CharField(max_length=200, blank=True, default="")
    opened_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True)
    close_code = models.PositiveSmallIntegerField(null=True)
    frames_in = models.PositiveBigIntegerField(default=0)
    frames_out = models.PositiveBigIntegerField(default=0)
    disconnect_wanted = models.BooleanField(default=False)

    class Meta:
        ordering = ("-opened_at", "id")
        indexes: ClassVar[list[models.Index]] = [
            models.Index(
                fields=["agent"], condition=models.Q(closed_at__isnull=True), name="connection_open"
            ),
            models.Index(fields=["opened_at"], name="connection_opened"),
        ]

    def __str__(self) -> str:
        return str(self.id)


class AuditEvent(models.Model):
    """One row of the security log. Append-only: triggers of the database refuse anything else.

    `digest` is the SHA-256 of the row's other fields, `previous` the digest of the row before.
    Ids are plain values, not keys: the log outlives what it tells of.
    """

    number = models.PositiveBigIntegerField(primary_key=True)
    at = models.DateTimeField()
    event = models.CharField(max_length=48, db_index=True)
    actor = models.UUIDField(null=True)
    subject = models.UUIDField(null=True)
    session = models.UUIDField(null=True)
    address = models.GenericIPAddressField(null=True)
    details = models.JSONField(default=dict)
    previous = models.CharField(max_length=64)
    digest = models.CharField(max_length=64)

    class Meta:
        ordering = ("-number",)

    def __str__(self) -> str:
        return f"{self.number} {self.event}"


class AuditHead(models.Model):
    """The newest row of the audit log: one row, locked by whoever appends."""

    number = models.PositiveBigIntegerField(default=0)
    digest = models.CharField(max_length=64, default="0" * 64)

    def __str__(self) -> str:
        return f"audit log at {self.number}"
