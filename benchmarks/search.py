"""Finding the highest rate that holds, in few trials. Pure: knows neither clocks nor servers."""

from collections.abc import Callable
from typing import TypeVar

Outcome = TypeVar("Outcome")

RAISE = 1.5
LOWER = 0.6
CLOSE_ENOUGH = 1.08
"""Where the lowest rate that failed is at most this multiple of the highest that held: done."""


def highest_rate(
    attempt: Callable[[float], tuple[bool, Outcome]], start: float, *, attempts: int
) -> tuple[Outcome | None, bool]:
    """Raises the rate from `start` until it fails, then closes in on the limit from below.

    `attempt` takes a rate and says whether it held, and what was seen. Returns what was seen at the
    highest rate that held, and whether a limit was found: False means that the last attempt was
    used up while everything still held, or before anything did.
    """
    rate, best = start, None
    held: float | None = None
    failed: float | None = None
    for _ in range(attempts):
        good, seen = attempt(rate)
        if good:
            held, best = rate, seen
        else:
            failed = rate
        if held is None:
            rate *= LOWER
        elif failed is None:
            rate *= RAISE
        elif failed / held <= CLOSE_ENOUGH:
            return best, True
        else:
            rate = (held * failed) ** 0.5
    return best, held is not None and failed is not None
