"""What healing reads: the positions of missions and the change rows behind a position."""

from collections.abc import Iterable
from uuid import UUID

from missions.feeds import Event
from missions.history import update_bytes
from missions.models import Change, Mission

CHUNK = 500
"""Change rows read at once."""


def positions(mission_ids: Iterable[UUID]) -> list[tuple[UUID, int]]:
    """The newest position of each of these missions; one query."""
    return list(Mission.objects.filter(pk__in=list(mission_ids)).values_list("pk", "position"))


def following(mission_id: UUID, position: int) -> list[Event]:
    """The next changes of a mission's log after a position, in order, a chunk at most."""
    rows = Change.objects.filter(mission_id=mission_id, position__gt=position)
    return [
        Event(row.position, row.numbers, row.epochs, update_bytes(row.update))
        for row in rows.select_related("update").order_by("position")[:CHUNK]
        if row.update is not None
    ]
