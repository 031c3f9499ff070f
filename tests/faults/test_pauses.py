"""What the tests leave out of their figures: only what this process stood still for."""

import asyncio
import time

from tests.faults import pauses


async def test_only_a_loop_that_stands_still_is_a_pause() -> None:
    """Waiting is none; blocking is, as far as it lies between the two moments."""
    with pauses.noticed():
        await asyncio.sleep(0.05)
        blocked = time.monotonic()
        time.sleep(0.5)  # noqa: ASYNC251  (this is the pause)
        went_on = time.monotonic()
        await asyncio.sleep(0.05)
        assert pauses.during(blocked, went_on) > 0.4
        assert pauses.during(blocked, blocked + 0.2) > 0.1
        assert pauses.during(0.0, blocked - 0.1) == 0.0
