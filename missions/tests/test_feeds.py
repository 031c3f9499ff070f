"""The rules of order of one mission's log in a worker, driven in every order they can meet.

The machine publishes and resets, hands positions over in any order, twice or never, joins sockets
whose history ends anywhere, and stops fan-outs between two sockets. The oracle knows nothing of
feeds: a socket gets exactly the numbers of its stream beyond its history, once, in order, of one
epoch, and nothing after it left.
"""

from collections.abc import Callable, Iterable, Iterator
from uuid import UUID, uuid4

import msgspec
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    invariant,
    multiple,
    precondition,
    rule,
)

from agents.sockets.outgoing import text_frame
from missions import feeds
from missions.feeds import Event, MissionFeed, Place, StreamFeed, Subscription

MISSION = "6f1b6a52-5f5c-4f39-9c35-6a1f4cf0b0b1"
NOBODY = UUID(int=0)
STREAMS = (0, 1, 2)


class Client:
    """What one socket was given: its history, and every frame since."""

    def __init__(self) -> None:
        self.got: list[tuple[str, int]] = []
        self.gone = False
        self.void = False

    def write(self, frames: bytes, payloads: Iterable[bytes]) -> None:
        """Takes frames as `Outgoing` does, both forms being the same."""
        listed = list(payloads)
        assert frames == b"".join(map(text_frame, listed))
        assert listed, "an empty write"
        assert not self.gone, "something was written after the socket left"
        for payload in listed:
            frame = msgspec.json.decode(payload)
            assert frame["mission"] == MISSION
            self.got.append((frame["epoch"], frame["seq"]))

    def reset(self) -> None:
        """What it holds is void."""
        self.gone = self.void = True


class Log:
    """The database's side: a log of positions with the numbers of three streams."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.numbers = dict.fromkeys(STREAMS, 0)
        self.epochs = {stream: f"{stream}-0" for stream in STREAMS}
        self.heads = [(dict(self.numbers), dict(self.epochs))]
        self.last_reset = dict.fromkeys(STREAMS, 0)

    @property
    def position(self) -> int:
        """The newest position."""
        return len(self.events)

    def publish(self, streams: Iterable[int]) -> Event:
        """An update that these streams see."""
        given = {}
        for stream in streams:
            self.numbers[stream] += 1
            given[str(stream)] = self.numbers[stream]
        epochs = {name: self.epochs[int(name)] for name in given}
        return self._append(Event(self.position + 1, given, epochs, b'{"id":"x"}'))

    def reset(self, streams: Iterable[int]) -> Event:
        """Renumbers these streams."""
        for stream in streams:
            self.epochs[stream] = f"{stream}-{self.position + 1}"
            self.numbers[stream] = max(0, self.numbers[stream] - 1)
            self.last_reset[stream] = self.position + 1
        epochs = {str(stream): self.epochs[stream] for stream in streams}
        return self._append(Event(self.position + 1, {}, epochs, b""))

    def _append(self, event: Event) -> Event:
        self.events.append(event)
        self.heads.append((dict(self.numbers), dict(self.epochs)))
        return event


class Worker:
    """Drives a feed as the switchboard does, with the pauses made visible."""

    def __init__(self) -> None:
        self.feed = MissionFeed(MISSION)
        self.dirty: dict[StreamFeed, None] = {}
        self.running: Iterator[object] | None = None

    def hand_over(self, event: Event) -> None:
        """An event came from the layer or from healing."""
        if self.feed.accept(event):
            self.apply(event)
            self.drain()

    def apply(self, event: Event) -> None:
        """Takes the next one."""
        for stream in self.feed.apply(event):
            self.dirty[stream] = None

    def drain(self) -> None:
        """Takes what was early."""
        while self.feed.early and (event := self.feed.next_early()) is not None:
            self.apply(event)

    def step(self) -> bool:
        """Writes to one socket; False when nothing is left to write."""
        while True:
            if self.running is None:
                if not self.dirty:
                    return False
                stream = next(iter(self.dirty))
                del self.dirty[stream]
                self.running = self._writes(stream)
            if next(self.running, None) is not None:
                return True
            self.running = None

    @staticmethod
    def _writes(stream: StreamFeed) -> Iterator[object]:
        for listener, frames, payloads in stream.fan_out():
            listener.write(frames, payloads)
            yield True


class Viewer:
    """A client with its place and the head of the history that it read."""

    def __init__(self, client: Client, place: Subscription, stream: int) -> None:
        self.client = client
        self.place = place
        self.stream = stream
        self.base: tuple[str, int] | None = None


some_streams = st.sets(st.sampled_from(STREAMS)).map(sorted)


class FeedMachine(RuleBasedStateMachine):
    """Everything that can happen to one mission in one worker, in any order."""

    reading = Bundle("reading")
    following = Bundle("following")

    def __init__(self) -> None:
        super().__init__()
        self.log = Log()
        self.worker = Worker()
        self.viewers: list[Viewer] = []

    @rule(streams=some_streams)
    def publish(self, streams: list[int]) -> None:
        """An update is committed; nothing is said to the worker yet."""
        self.log.publish(streams)

    @rule(streams=some_streams)
    def publish_live(self, streams: list[int]) -> None:
        """An update is committed and heard of at once."""
        self.worker.hand_over(self.log.publish(streams))

    @rule(streams=some_streams.filter(bool))
    def renumber(self, streams: list[int]) -> None:
        """The past of some streams changes."""
        self.log.reset(streams)

    @precondition(lambda self: self.log.events)
    @rule(data=st.data())
    def event_arrives(self, data: st.DataObject) -> None:
        """Any event, in any order, perhaps not for the first time."""
        self.worker.hand_over(data.draw(st.sampled_from(self.log.events)))

    @rule()
    def heal(self) -> None:
        """All that is missing is read, in order; numbers of ended epochs are left out."""
        last = self.worker.feed.last
        if last is not None:
            for event in self.log.events[last:]:
                current = {
                    name: seq
                    for name, seq in event.numbers.items()
                    if event.epochs[name] == self.log.epochs[int(name)]
                }
                self.worker.hand_over(event._replace(numbers=current))

    @rule(steps=st.integers(1, 4))
    def fan_out_a_little(self, steps: int) -> None:
        """Some sockets are written to, then the loop does something else."""
        for _ in range(steps):
            self.worker.step()

    @rule(target=reading, stream=st.sampled_from(STREAMS))
    def join(self, stream: int) -> tuple[Viewer, int]:
        """A socket takes a place, and will read its history at some position from now on."""
        client = Client()
        place = self.worker.feed.join(client, Place(NOBODY, stream, client.reset))
        viewer = Viewer(client, place, stream)
        self.viewers.append(viewer)
        return viewer, self.log.position

    @rule(target=following, read=consumes(reading), data=st.data())
    def settle(self, read: tuple[Viewer, int], data: st.DataObject) -> object:
        """The history was read at any position since the join; a void one has to be read again."""
        viewer, joined_at = read
        position = data.draw(st.integers(joined_at, self.log.position), label="position")
        if viewer.client.gone:
            return multiple()
        if not viewer.place.continues(position):
            viewer.client.gone = True
            self.worker.feed.leave(viewer.place)
            return multiple()
        numbers, epochs = self.log.heads[position]
        viewer.base = epochs[viewer.stream], numbers[viewer.stream]
        beyond = self.worker.feed.settle(viewer.place, position)
        if beyond:
            viewer.client.write(b"".join(map(text_frame, beyond)), beyond)
        self.worker.drain()
        return viewer

    @rule(read=consumes(reading))
    def leave_while_reading(self, read: tuple[Viewer, int]) -> None:
        """The socket goes before its history was sent."""
        self.leave(read[0])

    @rule(viewer=consumes(following))
    def leave(self, viewer: Viewer) -> None:
        """The socket goes; nothing may be written to it afterwards."""
        self.worker.feed.leave(viewer.place)
        viewer.client.gone = True

    @invariant()
    def everybody_has_an_unbroken_run(self) -> None:
        """What a socket got begins right after its history: no hole, no double, one epoch."""
        for viewer in self.viewers:
            if viewer.base is None:
                assert viewer.client.got == []
            else:
                epoch, seq = viewer.base
                run = [(epoch, seq + n) for n in range(1, len(viewer.client.got) + 1)]
                assert viewer.client.got == run

    def teardown(self) -> None:
        """In the end, healed and fanned out, every socket that stayed has its whole stream."""
        self.heal()
        while self.worker.step():
            pass
        self.everybody_has_an_unbroken_run()
        for viewer in self.viewers:
            if viewer.base is None:
                continue
            epoch, seq = viewer.base
            head = self.log.epochs[viewer.stream], self.log.numbers[viewer.stream]
            if not viewer.client.gone:
                assert (epoch, seq + len(viewer.client.got)) == head
            elif viewer.client.void:
                assert epoch != head[0]


FeedMachine.TestCase.settings = settings(
    max_examples=200, stateful_step_count=40, deadline=None, derandomize=True
)
TestAnyOrder = FeedMachine.TestCase
TestAnyOrder.__doc__ = "Whatever happens in whatever order, everybody gets exactly its stream."


@pytest.fixture
def log() -> Log:
    """An empty log."""
    return Log()


@pytest.fixture
def worker() -> Worker:
    """A worker that knows nothing yet."""
    return Worker()


Take = Callable[[int], tuple[Client, Subscription]]


@pytest.fixture
def take(worker: Worker) -> Take:
    """Takes a place in a stream."""

    def join(stream: int) -> tuple[Client, Subscription]:
        client = Client()
        return client, worker.feed.join(client, Place(uuid4(), stream, client.reset))

    return join


def run(worker: Worker) -> None:
    """Fans out all that waits."""
    while worker.step():
        pass


def test_an_update_goes_to_the_streams_it_names_and_to_no_other(
    log: Log, worker: Worker, take: Take
) -> None:
    """A stream that an event does not name gets neither frame nor number."""
    (one, one_place), (other, other_place) = take(0), take(1)
    worker.feed.settle(one_place, 0)
    worker.feed.settle(other_place, 0)
    worker.hand_over(log.publish([0]))
    worker.hand_over(log.publish([0, 1]))
    run(worker)
    assert one.got == [("0-0", 1), ("0-0", 2)]
    assert other.got == [("1-0", 1)]


def test_two_first_joiners_that_read_at_different_positions_lose_nothing(
    log: Log, worker: Worker, take: Take
) -> None:
    """Events before the log began here were held for nobody: the earlier history is read again."""
    (_, newer), (_, older) = take(0), take(0)
    worker.hand_over(log.publish([0]))
    worker.hand_over(log.publish([0]))
    assert newer.continues(2)
    worker.feed.settle(newer, 2)
    worker.drain()
    assert not older.continues(0)
    assert older.continues(2)


def test_a_history_that_is_ahead_of_the_worker_is_not_sent_twice(
    log: Log, worker: Worker, take: Take
) -> None:
    """A socket whose history shows what the worker has yet to hear waits for it in silence."""
    _, first = take(0)
    worker.feed.settle(first, 0)
    late = [log.publish([0]), log.publish([0])]
    client, ahead = take(0)
    worker.feed.settle(ahead, 2)
    for event in late:
        worker.hand_over(event)
    worker.hand_over(log.publish([0]))
    run(worker)
    assert client.got == [("0-0", 3)]


def test_a_hole_is_waited_for_and_nothing_overtakes_it(
    log: Log, worker: Worker, take: Take
) -> None:
    """What comes behind a hole is kept until the hole is filled."""
    client, place = take(0)
    worker.feed.settle(place, 0)
    first, second, third = (log.publish([0]) for _ in range(3))
    worker.hand_over(third)
    worker.hand_over(second)
    run(worker)
    assert client.got == []
    worker.hand_over(first)
    run(worker)
    assert [seq for _, seq in client.got] == [1, 2, 3]


def test_updates_that_wait_leave_as_one_write(log: Log, worker: Worker, take: Take) -> None:
    """All that arrived since the last fan-out is one write a socket."""
    writes: list[bytes] = []

    class Counted(Client):
        def write(self, frames: bytes, payloads: Iterable[bytes]) -> None:
            writes.append(frames)
            super().write(frames, payloads)

    client = Counted()
    place = worker.feed.join(client, Place(uuid4(), 0, client.reset))
    worker.feed.settle(place, 0)
    for _ in range(5):
        worker.hand_over(log.publish([0]))
    run(worker)
    assert len(writes) == 1
    assert len(client.got) == 5


def test_who_leaves_between_two_writes_of_a_fan_out_gets_nothing(
    log: Log, worker: Worker, take: Take
) -> None:
    """A fan-out that is under way does not reach a socket that left; the others get theirs."""
    viewers = [take(0) for _ in range(3)]
    for _, place in viewers:
        worker.feed.settle(place, 0)
    worker.hand_over(log.publish([0]))
    worker.step()
    leaver, place = viewers[2]
    worker.feed.leave(place)
    leaver.gone = True
    run(worker)
    assert [client.got for client, _ in viewers] == [[("0-0", 1)], [("0-0", 1)], []]


def test_a_reset_drops_what_waits_and_tells_only_its_streams(
    log: Log, worker: Worker, take: Take
) -> None:
    """Members of a renumbered stream are told once and get nothing more; others notice nothing."""
    (one, one_place), (other, other_place) = take(0), take(1)
    worker.feed.settle(one_place, 0)
    worker.feed.settle(other_place, 0)
    worker.hand_over(log.publish([0, 1]))
    worker.hand_over(log.reset([0]))
    run(worker)
    assert one.void
    assert one.got == []
    assert not other.void
    assert other.got == [("1-0", 1)]


def test_a_history_read_after_a_renumbering_survives_its_reset(
    log: Log, worker: Worker, take: Take
) -> None:
    """Who read the new numbering already is not sent back when the news of it arrives."""
    _, first = take(1)
    worker.feed.settle(first, 0)
    reset = log.reset([0])
    client, place = take(0)
    worker.feed.settle(place, 1)
    worker.hand_over(reset)
    worker.hand_over(log.publish([0]))
    run(worker)
    assert not client.void
    assert client.got == [("0-1", 1)]


def test_too_much_held_means_reading_again(
    log: Log, worker: Worker, take: Take, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A slow history does not collect without bound."""
    monkeypatch.setattr(feeds, "HELD_MOST", 3)
    _, first = take(0)
    worker.feed.settle(first, 0)
    _, slow = take(0)
    for _ in range(4):
        worker.hand_over(log.publish([0]))
    assert slow.held == []
    assert not slow.continues(4)


def test_what_is_early_is_bounded(
    log: Log, worker: Worker, take: Take, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Behind a hole only so many are kept; healing reads the rest."""
    monkeypatch.setattr(feeds, "EARLY_MOST", 2)
    _, place = take(0)
    worker.feed.settle(place, 0)
    for event in [log.publish([0]) for _ in range(6)][1:]:
        worker.hand_over(event)
    assert len(worker.feed.early) == 2


def test_a_feed_is_empty_when_the_last_place_is_given_up(worker: Worker, take: Take) -> None:
    """Reading and following both count; leaving twice is leaving once."""
    assert worker.feed.empty
    _, reading = take(0)
    _, following = take(1)
    worker.feed.settle(following, 0)
    worker.feed.leave(following)
    worker.feed.leave(following)
    assert not worker.feed.empty
    worker.feed.leave(reading)
    assert worker.feed.empty
