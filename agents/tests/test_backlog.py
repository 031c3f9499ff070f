"""When a client is slow: by what it takes, look for look."""

from agents.sockets import backlog
from agents.sockets.backlog import Backlog, Entry

SIZE = 1024


def full(size: int, *, live: bool = True) -> Backlog:
    """A backlog of that many bytes, behind a kilobyte at the server."""
    made = Backlog(SIZE)
    for _ in range(size // SIZE):
        made.add(Entry(b"", SIZE, live))
    return made


def looks(made: Backlog, *, every: int = 0, entries: int = 1) -> int:
    """After how many looks it is slow; the client takes so many entries every so many looks."""
    for look in range(1, 100_000):
        for _ in range(entries if every and look % every == 0 and made else 0):
            made.next()
        if made.slow(SIZE):
            return look
        if not made:
            break
    return 0


def test_who_takes_nothing_of_much_is_slow_after_a_second() -> None:
    """More than a mebibyte of live frames."""
    assert looks(full(backlog.LIVE_MOST + SIZE)) == backlog.LOOKS_WITHOUT_READING


def test_who_takes_nothing_of_little_is_slow_after_ten() -> None:
    """Also of what does not count as live, however much that is."""
    assert looks(full(backlog.LIVE_MOST)) == backlog.LOOKS_STALLED
    assert looks(full(20 * backlog.LIVE_MOST, live=False)) == backlog.LOOKS_STALLED


def test_who_reads_too_slowly_is_slow_after_five() -> None:
    """It has taken something all along, and as much waits as may not."""
    assert looks(full(2 * backlog.LIVE_MOST), every=10) == backlog.LOOKS_BEHIND


def test_who_takes_all_in_time_is_not_slow() -> None:
    """Nor is who needs long for what does not count."""
    assert looks(full(2 * backlog.LIVE_MOST), every=1, entries=8) == 0
    assert looks(full(backlog.LIVE_MOST), every=40) == 0
    assert looks(full(2 * backlog.LIVE_MOST, live=False), every=4) == 0


def test_sizes_are_counted() -> None:
    """In bytes, and those of live frames apart."""
    made = full(2 * SIZE)
    made.add(Entry(b"snapshot", 8, live=False))
    assert (made.size, made.live) == (2 * SIZE + 8, 2 * SIZE)
    made.next()
    made.next()
    assert (made.size, made.live) == (8, 0)
    assert made.next().frames == b"snapshot"
    assert not made
