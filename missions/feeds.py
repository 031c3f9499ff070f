"""What a worker holds of one mission: where its log stands, and who listens to which stream.

Pure data and the rules of order: an event is applied at the next position or not at all; a
subscription that is still reading history is held until the log has reached what it read. No
loop, no database, no layer: `missions.switchboard` drives this.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, NamedTuple, Protocol
from uuid import UUID

from agents.sockets.outgoing import slices
from missions.protocol import Revised, update_payload, update_prefix

HELD_MOST = 1024 * 1024
"""Bytes held for one subscription that reads history; beyond, it has to read again."""

EARLY_MOST = 10_000
"""Events kept behind a hole; beyond, healing reads them from the database."""


class Event(NamedTuple):
    """One position of a mission's log: the number and epoch in each stream, the shared body.

    Without a body it is a reset: the streams of `epochs` were renumbered.
    """

    position: int
    numbers: dict[str, int]
    epochs: dict[str, str]
    body: bytes
    revised: Revised | None = None

    @classmethod
    def from_layer(cls, event: dict[str, Any]) -> "Event":
        """The event that `missions.publishing` built."""
        parts = event["position"], event["numbers"], event["epochs"], event["body"]
        return cls(*parts, event.get("revised"))


class Listener(Protocol):
    """Where frames go: `agents.sockets.outgoing.Outgoing`."""

    def write(self, frames: bytes, payloads: Sequence[bytes]) -> None:
        """Takes the same frames in both forms."""

    def waiting(self) -> int:
        """Bytes that the client has yet to take."""


class Place(NamedTuple):
    """Who takes a place, what a reset calls, and since when the socket follows the mission."""

    agent_id: UUID
    stream: int
    on_reset: Callable[[], None]
    since: float = 0.0


class Subscription:
    """One socket's place in one stream, of which it keeps the `number`.

    `floor` is the log's position that its history reaches: None while it is being read. `skip`
    counts payloads that were already waiting for the next fan-out when it joined the members.
    """

    # fmt: off
    __slots__ = (
        "agent_id", "feed", "floor", "held", "held_bytes", "listener", "number", "on_reset",
        "since", "skip", "stream", "void",
    )
    # fmt: on

    def __init__(
        self, listener: Listener, place: Place, feed: "MissionFeed", stream: "StreamFeed"
    ) -> None:
        self.listener = listener
        self.agent_id = place.agent_id
        self.number = place.stream
        self.on_reset = place.on_reset
        self.since = place.since
        self.feed = feed
        self.stream: StreamFeed | None = stream
        self.held: list[tuple[int, bytes]] = []
        self.held_bytes = 0
        self.floor: int | None = None
        self.skip = 0
        self.void = False

    def hold(self, position: int, payload: bytes) -> None:
        """Keeps a payload until the history is sent."""
        self.held_bytes += len(payload)
        if self.held_bytes > HELD_MOST:
            self.annul()
        elif not self.void:
            self.held.append((position, payload))

    def continues(self, position: int) -> bool:
        """Whether what was held since the join goes on where a history up to `position` ends.

        Not when it was annulled, and not when the worker's log begins later: what lies between
        came before the log had a beginning and was held for nobody.
        """
        began = self.feed.began
        return not self.void and (began is None or position >= began)

    def annul(self) -> None:
        """What is being read is void, or too much was held: the history has to be read again."""
        self.held.clear()
        self.void = True


class StreamFeed:
    """One stream's local members, and the payloads that wait for the next fan-out."""

    __slots__ = ("_epoch", "_prefix", "members", "number", "pending", "waiting")

    def __init__(self, number: int) -> None:
        self.number = number
        self.members: dict[Subscription, None] = {}
        self.waiting: dict[Subscription, None] = {}
        self.pending: list[bytes] = []
        self._epoch = ""
        self._prefix = b""

    def payload(self, mission_id: str, epoch: str, seq: int, body: bytes) -> bytes:
        """The `update` frame of this stream."""
        if epoch != self._epoch:
            self._epoch, self._prefix = epoch, update_prefix(mission_id, epoch)
        return update_payload(self._prefix, seq, body)

    def fan_out(self) -> Iterator[tuple[Listener, bytes, Sequence[bytes]]]:
        """What to write to each member of all that waits; a pause may be made between any two.

        One write each, unless it is very much. Who joins meanwhile has it in its history, who
        leaves gets nothing more.
        """
        payloads, self.pending = self.pending, []
        shared = slices(payloads) if payloads else []
        for subscription in list(self.members):
            parts = shared
            if subscription.skip:
                rest, subscription.skip = payloads[subscription.skip :], 0
                parts = slices(rest) if rest else []
            for frames, part in parts:
                if subscription.stream is not self:
                    break
                yield subscription.listener, frames, part


class MissionFeed:
    """One mission as this worker knows it. `last` is the position that was applied last.

    `began` is the first value of `last`: the position of the first history that was sent here.
    `since` is when somebody here first listened, in seconds; `behind_since` is when a comparison
    first found the database ahead and it was not healed. `voided` counts how often what is shown
    here came to be of another past: what was read before that is to be read again.
    """

    def __init__(self, mission_id: str, since: float = 0.0) -> None:
        self.mission_id = mission_id
        self.since = since
        self.streams: dict[int, StreamFeed] = {}
        self.last: int | None = None
        self.began: int | None = None
        self.voided = 0
        self.early: dict[int, Event] = {}
        self.healing = False
        self.idle_since: float | None = None
        self.behind_since: float | None = None

    @property
    def empty(self) -> bool:
        """Whether nobody here listens."""
        return not any(stream.members or stream.waiting for stream in self.streams.values())

    def is_behind(self, position: int) -> bool:
        """Whether a log that began here lacks what the database has up to `position`."""
        return self.last is not None and self.last < position

    def join(self, listener: Listener, place: Place) -> Subscription:
        """A place in a stream, held until `settle`."""
        stream = self.streams.get(place.stream)
        if stream is None:
            stream = self.streams[place.stream] = StreamFeed(place.stream)
        subscription = Subscription(listener, place, self, stream)
        stream.waiting[subscription] = None
        return subscription

    def settle(self, subscription: Subscription, position: int) -> list[bytes]:
        """The history up to `position` is sent: returns what was held beyond it, to be sent now.

        The subscription must continue that history. If the worker's log is behind what it
        already showed, the place stays held until the log has caught up.
        """
        if self.last is None:
            self.last = self.began = position
            self.voided += 1
        subscription.floor = position
        stream = subscription.stream
        if stream is None:
            return []
        beyond = [payload for at, payload in subscription.held if at > position]
        subscription.held = []
        if self.last >= position:
            self._promote(subscription, stream)
        return beyond

    def leave(self, subscription: Subscription) -> None:
        """Gives the place up; nothing more is written to it, not even what waits."""
        stream = subscription.stream
        if stream is not None:
            subscription.stream = None
            stream.members.pop(subscription, None)
            stream.waiting.pop(subscription, None)

    def accept(self, event: Event) -> bool:
        """Whether the event is the next one; an old one is forgotten, an early one kept."""
        if self.last is not None:
            if event.position == self.last + 1:
                return True
            if event.position <= self.last:
                return False
        if len(self.early) < EARLY_MOST:
            self.early[event.position] = event
        return False

    def next_early(self) -> Event | None:
        """The kept event that is next now, if it is there."""
        if self.last is None:
            return None
        event = self.early.pop(self.last + 1, None)
        if event is None and self.early:
            self.early = {at: one for at, one in self.early.items() if at > self.last}
        return event

    def apply(self, event: Event) -> Iterable[StreamFeed]:
        """Takes the next event: yields the streams that now have payloads to be fanned out."""
        self.last = event.position
        if not event.body:
            self._reset(event)
            return
        for name, seq in event.numbers.items():
            stream = self.streams.get(int(name))
            if stream is None or not (stream.members or stream.waiting):
                continue
            payload = stream.payload(self.mission_id, event.epochs[name], seq, event.body)
            for subscription in stream.waiting:
                if subscription.floor is None:
                    subscription.hold(event.position, payload)
            if stream.members:
                stream.pending.append(payload)
                yield stream
        self._promote_caught_up()

    def begin_anew(self) -> None:
        """The log cannot be read on from here: everybody reads its history again."""
        self.last = self.began = None
        self.voided += 1
        self.early.clear()
        for stream in self.streams.values():
            stream.pending.clear()
            for subscription in [*stream.members, *stream.waiting]:
                if subscription.floor is None:
                    subscription.annul()
                else:
                    self.leave(subscription)
                    subscription.on_reset()

    def _reset(self, event: Event) -> None:
        """Drops what still waits of the renumbered streams and has their sockets read anew."""
        self.voided += 1
        for name in event.epochs:
            stream = self.streams.get(int(name))
            if stream is None:
                continue
            stream.pending.clear()
            for subscription in [*stream.members, *stream.waiting]:
                if subscription.floor is None:
                    subscription.annul()
                elif subscription.floor < event.position:
                    self.leave(subscription)
                    subscription.on_reset()
                # else: its history was read after the renumbering
        self._promote_caught_up()

    def _promote_caught_up(self) -> None:
        for stream in self.streams.values():
            if stream.waiting:
                for subscription in list(stream.waiting):
                    if subscription.floor is not None and subscription.floor <= (self.last or 0):
                        self._promote(subscription, stream)

    @staticmethod
    def _promote(subscription: Subscription, stream: StreamFeed) -> None:
        stream.waiting.pop(subscription, None)
        subscription.skip = len(stream.pending)
        stream.members[subscription] = None
