"""How a soak judges what it recorded."""

from benchmarks.soak import SETTLE_MINUTES, Sample, quarters, settled


def test_the_beginning_is_compared_with_the_end() -> None:
    """Means, so that one sample decides nothing."""
    assert quarters([1, 3, 50, 50, 50, 50, 5, 7]) == (2, 6)
    assert quarters([4]) == (4, 4)


def test_caches_are_given_time_to_fill() -> None:
    """In a short run everything counts."""
    edge = SETTLE_MINUTES * 60
    short = [Sample(second, 1, 1) for second in (0, 5, edge + 1)]
    assert settled(short) == short
    long = [Sample(second, 1, 1) for second in range(0, 1000, 5)]
    assert settled(long)[0].seconds > edge
