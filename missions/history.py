"""The log as a viewer reads it: pages, snapshots, and what follows an update.

Owns how stored updates become the objects of the wire, and every read of a stream. All reads end
at the stream's head as it was read with the reader's rights, and are done again if the stream was
renumbered meanwhile, so that a page is consistent without a transaction. Called by REST and by
`missions.recovery`.
"""

import threading
from collections import OrderedDict
from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

import msgspec
from msgspec import Raw

from agents.errors import NotFound
from agents.models import Agent
from agents.protocol import AgentName, wire_time
from agents.roles import Clearance, Role
from missions import audiences, limits, selectors
from missions.errors import Reset
from missions.models import Mission, Update, seq_column
from missions.protocol import MissionObject, Numbered, Page, UpdateObject


class Head(NamedTuple):
    """Where a viewer's stream of a mission stands. `position` is the whole log's."""

    mission_id: UUID
    position: int
    stream: int
    epoch: str
    seq: int


class Slice(NamedTuple):
    """Updates of one stream in order, and those of them that ask to be acknowledged."""

    updates: list[Numbered]
    to_acknowledge: list[UUID]


def mission_object(mission: Mission) -> MissionObject:
    """The mission as it goes over the wire."""
    return MissionObject(
        id=str(mission.pk),
        codename=mission.codename,
        objective=mission.objective,
        status=mission.status,
        classification=Clearance(mission.classification).wire,
    )


def update_bytes(update: Update) -> bytes:
    """The update as it goes over the wire, encoded."""
    named = audiences.roles_from(update.roles)
    return msgspec.json.encode(
        UpdateObject(
            id=str(update.pk),
            kind=update.kind,
            body=update.body,
            data=update.data,
            author=AgentName(update.author_codename, update.author_role),
            classification=Clearance(update.classification).wire,
            roles=tuple(role.value for role in Role if role in named),
            requires_ack=update.requires_ack,
            ack_within=update.ack_within,
            created_at=wire_time(update.created_at),
        )
    )


def head_for(agent: Agent, mission_id: UUID | str) -> Head:
    """The head of the agent's stream; `NotFound` unless it may enter the mission."""
    mission = selectors.mission_for(agent, mission_id)
    stream = audiences.stream_for(agent.viewer)
    return Head(
        mission.pk, mission.position, stream, mission.epochs[stream], mission.numbers[stream]
    )


def page(
    agent: Agent,
    mission_id: UUID | str,
    *,
    limit: int = limits.PAGE_DEFAULT,
    after: str | None = None,
    before: str | None = None,
    epoch: str | None = None,
    author_me: bool = False,
    awaiting: str | None = None,
) -> Page:
    """A page of the agent's stream, or with `author_me` of what the agent sent.

    With `awaiting`, whatever the cursor, the newest that wait for an acknowledgement: `me`, for
    the agent's own; `others`, overdue ones for that of others.

    `after` that does not hold gives the newest with `recovered` false; `before` that does not
    hold raises `Reset`.
    """
    while True:
        head = head_for(agent, mission_id)
        recovered = False
        if awaiting is not None:
            part = _awaiting(agent, head, limit, awaiting)
        elif author_me:
            part = _sent(agent, head, limit, before)
        elif before is not None:
            number = _number_of(head, before) if epoch == head.epoch else None
            if number is None:
                raise Reset
            part = _read(head, max(0, number - 1 - limit), number - 1)
        else:
            number = _number_of(head, after) if epoch == head.epoch else None
            recovered = number is not None
            start = max(0, head.seq - limit) if number is None else number
            part = _read(head, start, min(head.seq, start + limit))
        if _still_current(head):
            return _page(head, agent.pk, recovered, part)


def snapshot_or_following(
    agent_id: UUID, mission_id: UUID | str, after: str | None, epoch: str | None
) -> tuple[Head, Page]:
    """What a `subscribe` gets: exactly what follows `after`, or the newest as a snapshot.

    Reads the agent's row afresh. `NotFound` unless the agent may enter now.
    """
    while True:
        agent = Agent.objects.filter(pk=agent_id, is_active=True).first()
        if agent is None:
            raise NotFound
        head = head_for(agent, mission_id)
        following = _following(head, after, epoch)
        if following is None:
            snapshot = _snapshot(head)
            if snapshot is not None:
                return head, _page(head, agent_id, False, snapshot)
        elif _still_current(head):
            return head, _page(head, agent_id, True, following)


def _snapshot(head: Head) -> Slice | None:
    """The stream's newest, read once for all who ask; None if it was renumbered meanwhile."""
    with _snapshots.turn(head):
        kept = _snapshots.get(head)
        if kept is not None:
            return kept
        part = _newest(head)
        if not _still_current(head):
            return None
        _snapshots.put(head, part)
        return part


def _following(head: Head, after: str | None, epoch: str | None) -> Slice | None:
    """Exactly what follows `after`; None when that is unknown, or more than a frame holds."""
    if epoch != head.epoch:
        return None
    number = 0 if after is None else _number_of(head, after)
    if number is None or head.seq - number > limits.RECOVER_UPDATES:
        return None
    part = _read(head, number, head.seq, fitting=True)
    return part if len(part.updates) == head.seq - number else None


def _newest(head: Head) -> Slice:
    return _read(head, max(0, head.seq - limits.SNAPSHOT_UPDATES), head.seq, fitting=True)


def _still_current(head: Head) -> bool:
    """Whether the stream was not renumbered while it was read."""
    epochs = Mission.objects.filter(pk=head.mission_id).values_list("epochs", flat=True).first()
    return epochs is not None and epochs[head.stream] == head.epoch


def _page(head: Head, agent_id: UUID, recovered: bool, part: Slice) -> Page:
    return Page(
        mission=str(head.mission_id),
        epoch=head.epoch,
        seq=head.seq,
        recovered=recovered,
        updates=part.updates,
        acknowledged=selectors.acknowledged_by(agent_id, part.to_acknowledge),
    )


def _number_of(head: Head, update_id: str | None) -> int | None:
    """The update's number in the stream; None when the stream lacks it, now or ever."""
    if update_id is None:
        return None
    try:
        key = selectors.parsed_id(update_id)
    except NotFound:
        return None
    number: int | None = (
        Update.objects.filter(pk=key, mission_id=head.mission_id)
        .values_list(seq_column(head.stream), flat=True)
        .first()
    )
    return number


def _read(head: Head, above: int, upto: int, *, fitting: bool = False) -> Slice:
    """The stream's updates with numbers in (above, upto]: one indexed read.

    With `fitting` only as many of the newest as one frame holds.
    """
    if upto <= above:
        return Slice([], [])
    column = seq_column(head.stream)
    rows = Update.objects.filter(
        **{"mission_id": head.mission_id, f"{column}__gt": above, f"{column}__lte": upto}
    ).order_by(column)
    return _slice(list(rows), column, fitting=fitting)


def _sent(agent: Agent, head: Head, limit: int, before: str | None) -> Slice:
    """What the agent sent and may review, newest last; the number is null outside its stream."""
    sent = selectors.reviewable_updates(agent).filter(mission_id=head.mission_id)
    if before is not None:
        try:
            edge = sent.filter(pk=selectors.parsed_id(before)).first()
        except NotFound:
            edge = None
        if edge is None:
            raise Reset
        sent = sent.filter(position__lt=edge.position)
    newest = list(sent.order_by("-position")[:limit])
    return _slice(newest[::-1], seq_column(head.stream))


def _awaiting(agent: Agent, head: Head, limit: int, whom: str) -> Slice:
    """What waits for an acknowledgement, newest last; the number is null outside its stream."""
    read = selectors.awaiting_me if whom == "me" else selectors.awaiting_others
    newest = list(read(agent, head.mission_id).order_by("-position")[:limit])
    return _slice(newest[::-1], seq_column(head.stream))


def _slice(rows: Sequence[Update], column: str, *, fitting: bool = False) -> Slice:
    """Encodes rows in order; with `fitting` the newest that one frame holds, one at least."""
    updates: list[Numbered] = []
    asking: list[UUID] = []
    size = 0
    for row in reversed(rows):
        encoded = update_bytes(row)
        size += len(encoded) + 32
        if fitting and updates and size > limits.SNAPSHOT_BYTES:
            break
        updates.append(Numbered(getattr(row, column), Raw(encoded)))
        if row.requires_ack:
            asking.append(row.pk)
    return Slice(updates[::-1], asking[::-1])


TURNS = 64
"""Locks for reading snapshots: streams that share one wait for each other, now and then."""


class _Snapshots:
    """The newest of streams, encoded, so that many reconnects read each log once.

    One a stream, good only for exactly the epoch and number it was read at.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._kept: OrderedDict[tuple[UUID, int], tuple[Head, Slice]] = OrderedDict()
        self._lock = threading.Lock()
        self._turns = [threading.Lock() for _ in range(TURNS)]

    def turn(self, head: Head) -> threading.Lock:
        """To be held while that stream's newest is read: the others then find it kept."""
        return self._turns[hash((head.mission_id, head.stream)) % TURNS]

    def get(self, head: Head) -> Slice | None:
        """The newest of exactly that stream, epoch and number, if it is kept."""
        key = head.mission_id, head.stream
        with self._lock:
            at, part = self._kept.get(key, (None, None))
            if at != head._replace(position=0):
                return None
            self._kept.move_to_end(key)
            return part

    def put(self, head: Head, part: Slice) -> None:
        """Keeps what was read and is known not to have been renumbered meanwhile."""
        with self._lock:
            self._kept[head.mission_id, head.stream] = head._replace(position=0), part
            while len(self._kept) > self._most:
                self._kept.popitem(last=False)


_snapshots = _Snapshots(128)
