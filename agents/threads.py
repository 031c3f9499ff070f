"""The two pools of threads in which sockets touch the database. Nothing else wraps database calls.

Django's own `sync_to_async` runs all sockets of a process in ONE thread, so that a slow read of
one socket holds up every other. Socket commands have eight threads here; comparison and
revocation have one thread with one connection of their own, so that a flood of commands cannot
delay taking access away.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

from django.db import connections

from agents.errors import Unavailable

P = ParamSpec("P")
T = TypeVar("T")

DEADLINE = 5.0
"""Seconds that a socket waits for the database before it answers `unavailable`."""

_commands = ThreadPoolExecutor(8, thread_name_prefix="hq-command")
_watch = ThreadPoolExecutor(1, thread_name_prefix="hq-watch")


async def in_command_thread(call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Runs a socket command's database work; `Unavailable` after `DEADLINE` seconds."""
    return await _run(_commands, call, *args, **kwargs)


async def in_watch_thread(call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Runs comparison, healing and revocation; `Unavailable` after `DEADLINE` seconds."""
    return await _run(_watch, call, *args, **kwargs)


async def _run(
    pool: ThreadPoolExecutor, call: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs
) -> T:
    def work() -> T:
        try:
            return call(*args, **kwargs)
        finally:
            _tidy_connections()

    future = asyncio.get_running_loop().run_in_executor(pool, work)
    # Whoever waits may leave; the thread goes on, and nobody else asks for its error.
    future.add_done_callback(_retrieve)
    try:
        async with asyncio.timeout(DEADLINE):
            return await asyncio.shield(future)
    except TimeoutError:
        # The result is unknown: whoever asks again must be idempotent.
        raise Unavailable from None


def _retrieve(future: "asyncio.Future[T]") -> None:
    if not future.cancelled():
        future.exception()


def _tidy_connections() -> None:
    """Gives pooled connections back; a healthy SQLite file stays open for the next call."""
    for connection in connections.all(initialized_only=True):
        if connection.vendor != "sqlite" or connection.errors_occurred:
            connection.close_if_unusable_or_obsolete()
