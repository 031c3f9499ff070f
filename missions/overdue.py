"""Updates that were not acknowledged in time, in the database: who claims to tell, who is missing.

A claim says that those who oversee are being told of an update. It is settled once its worker has
told them; one that is not for long, because its worker died, is made anew. Every worker reads the
claims of its missions. Each function is a constant number of queries, however much is due, but for
what is due and heard by nobody. Called by `missions.oversight`.
"""

import datetime as dt
import itertools
from collections import defaultdict
from collections.abc import Collection, Iterable
from typing import NamedTuple
from uuid import UUID

from django.db import transaction
from django.db.models import Q, QuerySet
from django.db.models.functions import Now

from agents.protocol import AgentName
from missions import selectors
from missions.models import Update, seq_column

CLAIMED_MOST = 100
"""Updates that one look claims, and that one reading of who is missing covers."""

READ_MOST = 1_000
"""Claims that one look reads, and overdue updates that one query does."""

OVERLAP = dt.timedelta(seconds=60)
"""How far back claims are read again: a claim is dated before its transaction commits."""


CLAIM_LASTS = dt.timedelta(seconds=10)
"""How long a claim stands that is not settled; from claiming to telling it takes milliseconds."""


class Hearing(NamedTuple):
    """Who listens here: missions by the stream of somebody who staffs; agents' clearances.

    The clearances are by agent and mission, for the authors among them.
    """

    streams: dict[int, set[UUID]]
    clearances: dict[tuple[UUID, UUID], int]

    def hears(self, update: Update) -> bool:
        """Whether somebody here is to be told about that update."""
        if self.clearances.get((update.author_id, update.mission_id), 0) >= update.classification:
            return True
        return any(
            update.mission_id in missions and getattr(update, seq_column(stream)) is not None
            for stream, missions in self.streams.items()
        )


class Claim(NamedTuple):
    """That an update is being told of, since when and for how long, by the database's clock."""

    update_id: UUID
    mission_id: UUID
    at: dt.datetime
    age: dt.timedelta
    settled: bool


class Overdue(NamedTuple):
    """One update that was not acknowledged in time, as it is now, and who has not."""

    update: Update
    missing: list[AgentName]


def due(hearing: Hearing) -> list[UUID]:
    """Updates whose time is over, no claim stands for, and somebody here is to be told of.

    The longest due first, `CLAIMED_MOST` of them.
    """
    heard = Q(
        author__in={agent for agent, _ in hearing.clearances},
        mission__in={mission for _, mission in hearing.clearances},
    )
    for stream, missions in hearing.streams.items():
        heard |= Q(**{"mission__in": missions, f"{seq_column(stream)}__isnull": False})
    over = _free().filter(heard, ack_due_at__lte=Now()).order_by("ack_due_at", "pk")
    found: list[UUID] = []
    for start in itertools.count(0, READ_MOST):
        # What is heard by nobody stays where it is, in front of what is.
        part = list(over.defer("body", "data")[start : start + READ_MOST])
        found += [one.pk for one in part if hearing.hears(one)]
        if len(part) < READ_MOST or len(found) >= CLAIMED_MOST:
            break
    return found[:CLAIMED_MOST]


def claim(update_ids: Collection[UUID]) -> set[UUID]:
    """Claims these updates, unless a claim stands; which of them are the caller's.

    What another transaction holds is left for the next look: so nobody waits for each other.
    """
    with transaction.atomic():
        free = _free().filter(pk__in=update_ids)
        free = free.select_for_update(no_key=True, skip_locked=True)
        mine = set(free.values_list("pk", flat=True))
        Update.objects.filter(pk__in=mine).update(overdue_at=Now())
    return mine


def settle(update_ids: Collection[UUID]) -> set[UUID]:
    """Those who oversee were told of these; returns those that another transaction holds."""
    with transaction.atomic():
        told = Update.objects.filter(pk__in=update_ids, overdue_told_at__isnull=True)
        free = told.select_for_update(no_key=True, skip_locked=True)
        mine = set(free.values_list("pk", flat=True))
        Update.objects.filter(pk__in=mine).update(overdue_told_at=Now())
        return set(told.values_list("pk", flat=True))


def claims(
    mission_ids: Iterable[UUID], window: dt.timedelta, known: Collection[UUID]
) -> list[Claim]:
    """What was claimed in these missions within the window, but for what is known; oldest first."""
    made = Update.objects.filter(
        mission__in=list(mission_ids), overdue_at__gte=Now() - window, retracted_at__isnull=True
    ).exclude(pk__in=known)
    rows = made.annotate(now=Now()).order_by("overdue_at")
    found = rows.values_list("pk", "mission_id", "overdue_at", "now", "overdue_told_at")
    return [
        Claim(one, mission, at, now - at, told is not None)
        for one, mission, at, now, told in found[:READ_MOST]
        if at is not None
    ]


def _free() -> QuerySet[Update]:
    """Updates for which no claim stands: there was none, or the one who made it never told."""
    unclaimed = Q(overdue_at__isnull=True) | Q(overdue_at__lt=Now() - CLAIM_LASTS)
    return Update.objects.filter(unclaimed, overdue_told_at__isnull=True)


def missing(update_ids: Collection[UUID]) -> list[Overdue]:
    """These updates, as they are now, with who has not acknowledged each; nobody: left out."""
    updates = Update.objects.filter(pk__in=update_ids, retracted_at__isnull=True)
    obliged = selectors.obliged_to_each(list(updates.select_related("mission")))
    late: defaultdict[Update, list[AgentName]] = defaultdict(list)
    for update, people in obliged.items():
        for who, at in people:
            if at is None:
                late[update].append(who)
    return [Overdue(update, people) for update, people in late.items()]
