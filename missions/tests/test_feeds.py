"""The rules of order of one mission's log in a worker, one by one."""

from collections.abc import Callable, Iterable
from uuid import uuid4

import pytest

from agents.sockets import outgoing
from missions import feeds
from missions.feeds import Place, Subscription
from missions.tests.feed import Client, Log, Worker


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


def test_very_much_that_waits_leaves_in_slices(
    log: Log, worker: Worker, take: Take, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whole frames in order; who leaves between two of its slices gets nothing more."""
    monkeypatch.setattr(outgoing, "SLICE", 300)
    (stays, stays_place), (leaves, leaves_place) = take(0), take(0)
    for place in (leaves_place, stays_place):
        worker.feed.settle(place, 0)
    for _ in range(9):
        worker.hand_over(log.publish([0]))
    assert worker.step()
    assert 0 < len(leaves.got) < 9
    worker.feed.leave(leaves_place)
    leaves.gone = True
    run(worker)
    assert [seq for _, seq in stays.got] == list(range(1, 10))


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
    """A slow history does not collect without bound: what counts is bytes."""
    _, first = take(0)
    worker.feed.settle(first, 0)
    _, slow = take(0)
    worker.hand_over(log.publish([0]))
    size = sum(len(payload) for _, payload in slow.held)
    monkeypatch.setattr(feeds, "HELD_MOST", 3 * size)
    for _ in range(2):
        worker.hand_over(log.publish([0]))
    assert len(slow.held) == 3
    assert slow.continues(0)
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
