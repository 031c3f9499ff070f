"""The pools in which sockets touch the database: several at once, and errors come back."""

import asyncio
import threading

import pytest

from agents import threads


async def test_commands_run_side_by_side() -> None:
    """Eight wait for each other; in one thread none of them would ever go on."""
    together = threading.Barrier(8)
    calls = [threads.in_command_thread(together.wait, 5) for _ in range(8)]
    assert sorted(await asyncio.gather(*calls)) == list(range(8))


async def test_the_comparison_has_a_thread_of_its_own() -> None:
    """A flood of commands does not hold up taking access away."""
    release = threading.Event()
    flood = [asyncio.create_task(threads.in_command_thread(release.wait, 5)) for _ in range(20)]
    name = await threads.in_watch_thread(lambda: threading.current_thread().name)
    assert name.startswith("hq-watch")
    release.set()
    assert all(await asyncio.gather(*flood))


async def test_an_error_comes_back() -> None:
    """As if it had been called here."""

    def fail() -> None:
        raise LookupError("lost")

    with pytest.raises(LookupError, match="lost"):
        await threads.in_command_thread(fail)
