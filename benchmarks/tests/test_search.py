"""The search for the highest rate."""

import pytest

from benchmarks.search import CLOSE_ENOUGH, highest_rate


@pytest.mark.parametrize("limit", [90.0, 400.0, 1_000.0, 12_345.0])
def test_it_closes_in_on_the_limit_from_both_sides(limit: float) -> None:
    """What is found held, and is within the promised distance of what did not."""
    best, found = highest_rate(lambda rate: (rate <= limit, rate), 400.0, attempts=20)
    assert found
    assert best is not None
    assert limit / CLOSE_ENOUGH <= best <= limit


def test_a_rate_that_never_fails_is_no_limit() -> None:
    """When attempts run out while all holds, the best so far is only a lower bound."""
    best, found = highest_rate(lambda rate: (True, rate), 100.0, attempts=3)
    assert (best, found) == (225.0, False)


def test_nothing_is_found_where_nothing_holds() -> None:
    """A server that fails at every rate has no highest one."""
    assert highest_rate(lambda rate: (False, rate), 100.0, attempts=4) == (None, False)


def test_no_more_attempts_are_made_than_allowed() -> None:
    """The search is bounded in time."""
    rates: list[float] = []

    def attempt(rate: float) -> tuple[bool, None]:
        rates.append(rate)
        return rate < 777, None

    highest_rate(attempt, 100.0, attempts=6)
    assert len(rates) == 6
