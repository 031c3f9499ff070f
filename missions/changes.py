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
    """The next changes of a mission's log after a position, in order, a chunk at most.

    Numbers of an epoch that has ended meanwhile are left out: what they belonged to may have been
    retracted since, and the reset that ended the epoch follows.
    """
    rows = list(
        Change.objects.filter(mission_id=mission_id, position__gt=position)
        .select_related("update")
        .order_by("position")[:CHUNK]
    )
    epochs = Mission.objects.values_list("epochs", flat=True).get(pk=mission_id)
    return [_event(row, epochs) for row in rows]


def _event(row: Change, epochs: list[str]) -> Event:
    if row.update is None:
        return Event(row.position, {}, row.epochs, b"", row.revised)
    numbers = {
        stream: seq
        for stream, seq in row.numbers.items()
        if row.epochs[stream] == epochs[int(stream)]
    }
    return Event(row.position, numbers, row.epochs, update_bytes(row.update))
