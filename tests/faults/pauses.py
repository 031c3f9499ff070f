"""When this process stood still: seconds that are its machine's or its own, and not HQ's.

What is promised within a second or so is judged without them (`during`): an answer that lay in the
kernel while the tests collected garbage, or while the machine did something else, was not late.
"""

import asyncio
import contextlib
import time
from collections.abc import Iterator

TICK = 0.02
LEAST = 0.1
"""Seconds from which a late tick counts as a pause."""

_pauses: list[tuple[float, float]] = []


@contextlib.contextmanager
def noticed() -> Iterator[None]:
    """Notices the pauses of the running loop; those of earlier tests are forgotten."""
    loop = asyncio.get_running_loop()
    _pauses.clear()

    timer: asyncio.Handle

    def tick(due: float) -> None:
        nonlocal timer
        now = time.monotonic()
        if now - due > LEAST:
            _pauses.append((due, now))
        timer = loop.call_later(TICK, tick, now + TICK)

    timer = loop.call_soon(tick, time.monotonic())
    try:
        yield
    finally:
        timer.cancel()


def during(began: float, ended: float) -> float:
    """Seconds between two moments of `time.monotonic` in which this process stood still."""
    return sum(max(0.0, min(ended, until) - max(began, since)) for since, until in _pauses)
