"""What leaves the database: closed missions, written out first, then pruned from their beginning.

An export is a page without end: what one viewer sees, in order. Only an export that saw everything,
while nothing of the past changed, lets updates be pruned, and only up to where it went. Pruning
changes the past as a retraction does: it takes a position, renumbers the streams that lose
something and gives them new epochs, so that a resume from before it gets a snapshot. Called by the
commands `export_mission` and `prune`.
"""

import datetime as dt
import os
import stat
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO
from uuid import UUID

import msgspec
from django.db import transaction
from django.db.models import F, Max, QuerySet

from agents.errors import NotFound
from agents.models import Agent
from missions import audiences, history, publishing, revisions, selectors, services, trail
from missions.audiences import STREAMS
from missions.models import Change, Mission, Update, new_epochs, seq_column
from missions.protocol import Numbered, Status

CHUNK = 500
"""Updates read or deleted at once, so that no statement takes long."""

CLOSED = [status.value for status in Status if not status.open]


class Export:
    """A mission's log as one agent sees it; `NotFound` unless the agent may enter.

    First take all `lines`, then bring them to where they are to stay, then ask `holds`.
    """

    def __init__(self, agent: Agent, mission_id: UUID | str) -> None:
        self._agent = agent
        self._mission = selectors.mission_for(agent, mission_id)
        self._stream = audiences.stream_for(agent.viewer)
        self._written: set[UUID] = set()

    def lines(self) -> Iterator[bytes]:
        """Lines of JSON: the mission, then every update that the agent sees, with its number."""
        yield msgspec.json.encode(history.mission_object(self._mission))
        column = seq_column(self._stream)
        for update in self._updates():
            self._written.add(update.pk)
            line = Numbered(getattr(update, column), msgspec.Raw(history.update_bytes(update)))
            yield msgspec.json.encode(line)
        with transaction.atomic():
            trail.mission_exported(self._agent, self._mission, len(self._written))

    def holds(self) -> bool:
        """Whether the lines are what the agent sees: False when the past changed meanwhile.

        If they hold everything there is, the mission counts as exported up to where it stood. Only
        for lines that are where they are to stay: what is marked here may be pruned.
        """
        with transaction.atomic():
            try:
                mission, agent = services.locked(self._agent, self._mission.pk)
            except NotFound:
                return False
            # Every change of what this stream holds, but at its end, gives it another epoch.
            same_epoch = mission.epochs[self._stream] == self._mission.epochs[self._stream]
            if audiences.stream_for(agent.viewer) != self._stream or not same_epoch:
                return False
            reached = self._mission.position
            everything = Update.objects.filter(
                mission=mission, position__lte=reached, retracted_at__isnull=True
            )
            if self._written.issuperset(everything.values_list("pk", flat=True)):
                mission.exported_position = max(mission.exported_position, reached)
                mission.save(update_fields=["exported_position"])
        return True

    def _updates(self) -> Iterator[Update]:
        """By position, which nothing changes: a number may change between two chunks."""
        seen = selectors.visible_updates(self._agent, self._mission)
        seen = seen.filter(position__lte=self._mission.position).order_by("position")
        position = 0
        while updates := list(seen.filter(position__gt=position)[:CHUNK]):
            yield from updates
            position = updates[-1].position


def write_out(lines: Iterable[bytes], path: Path | None) -> None:
    """Writes the lines to a new file, or to standard output; returns once they are on the disk.

    Any `OSError` is raised, also one that a disk tells of late, and the new file does not stay.
    What reads a pipe answers for itself.
    """
    if path is None:
        # A descriptor of its own, so that it can be closed: some disks tell of errors only then.
        with os.fdopen(os.dup(sys.stdout.fileno()), "wb") as out:
            _write_to(out, lines)
        return
    created = path.open("xb")
    try:
        with created as out:
            _write_to(out, lines)
    except BaseException:
        path.unlink(missing_ok=True)
        raise
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)  # the name of a new file is on the disk only with its folder
    finally:
        os.close(folder)


def prunable(before: dt.datetime) -> list[UUID]:
    """Closed missions that have exported updates from before that time."""
    return list(
        Mission.objects.filter(
            status__in=CLOSED,
            updates__created_at__lt=before,
            updates__position__lte=F("exported_position"),
        )
        .order_by("pk")
        .distinct()
        .values_list("pk", flat=True)
    )


def prune(mission_id: UUID, before: dt.datetime) -> int:
    """Deletes the oldest updates of a closed mission, as far as exported; how many."""
    pruned = 0
    while gone := _prune_chunk(mission_id, before):
        pruned += gone
    return pruned


def _write_to(out: BinaryIO, lines: Iterable[bytes]) -> None:
    out.writelines(line + b"\n" for line in lines)
    out.flush()
    if stat.S_ISREG(os.fstat(out.fileno()).st_mode):
        os.fsync(out.fileno())


def _prune_chunk(mission_id: UUID, before: dt.datetime) -> int:
    with transaction.atomic():
        mission = Mission.objects.select_for_update(no_key=True).get(pk=mission_id)
        kept = Update.objects.filter(mission=mission).exclude(created_at__lt=before)
        oldest_kept = kept.order_by("position").values_list("position", flat=True).first()
        doomed = Update.objects.filter(mission=mission, position__lte=mission.exported_position)
        if oldest_kept is not None:
            doomed = doomed.filter(position__lt=oldest_kept)
        if mission.status not in CLOSED or not doomed.exists():
            return 0
        last = list(doomed.order_by("position").values_list("position", flat=True)[:CHUNK])[-1]
        doomed = doomed.filter(position__lte=last)
        _renumber(mission, last, _losses(doomed))
        count = doomed.count()
        Change.objects.filter(mission=mission, position__lte=last).delete()
        doomed.delete()
        trail.updates_pruned(mission, count)
    return count


def _losses(doomed: QuerySet[Update]) -> dict[int, int]:
    """How many each stream loses: the oldest of a stream are numbered from 1 on."""
    newest = doomed.aggregate(**{seq_column(stream): Max(seq_column(stream)) for stream in STREAMS})
    return {stream: lost for stream in STREAMS if (lost := newest[seq_column(stream)])}


def _renumber(mission: Mission, last: int, losses: dict[int, int]) -> None:
    fresh = new_epochs()
    revisions.shift(mission, last, {stream: -lost for stream, lost in losses.items()})
    for stream in losses:
        mission.epochs[stream] = fresh[stream]
    mission.position += 1
    mission.save(update_fields=["position", "numbers", "epochs"])
    _announce(mission, losses)


def _announce(mission: Mission, affected: Iterable[int]) -> None:
    epochs = {str(stream): mission.epochs[stream] for stream in affected}
    change = Change.objects.create(
        mission=mission, position=mission.position, kind="reset", numbers={}, epochs=epochs
    )
    event = publishing.update_event(mission.pk, change.position, {}, epochs, b"")
    transaction.on_commit(lambda: publishing.announce(event))
