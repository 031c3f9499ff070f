"""One worker process: an event loop of uvloop's, and daphne's command line with HQ's server.

The order of imports is the point: the policy of the loop must be set before `daphne.server` is
imported, because that makes the reactor's loop. Called by `workers` in a fresh child.
"""

import asyncio
import contextlib
import ctypes
import gc
from functools import partial
from typing import TYPE_CHECKING

import uvloop
from django.db.backends.base.base import BaseDatabaseWrapper

from agents.protocol import MAX_FRAME_BYTES

M_ARENA_MAX = -8
"""The parameter's number in glibc's `malloc.h`."""

if TYPE_CHECKING:
    from daphne.cli import CommandLineInterface


def command_line(lifeline: int | None = None) -> "CommandLineInterface":
    """Daphne's command line, with HQ's server and HQ's defaults."""
    asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())
    # Under debug each connection remembers its queries until an HTTP request empties them; none
    # does in the threads of sockets and of the audit log.
    BaseDatabaseWrapper.queries_limit = 0
    from daphne.cli import CommandLineInterface

    from hq_project.serving.server import Server

    class CommandLine(CommandLineInterface):
        description = "HQ's daphne"
        server_class = partial(Server, lifeline=lifeline)

    interface = CommandLine()
    interface.parser.set_defaults(
        websocket_timeout=-1,
        websocket_max_message_size=MAX_FRAME_BYTES,
        websocket_max_frame_size=MAX_FRAME_BYTES,
        server_name="",
    )
    return interface


def _share_arenas() -> None:
    """Has threads share two arenas of the C allocator, where it is glibc's.

    Each HTTP request has a thread of its own, and each thread would else take an arena of its own
    and keep what it once held: a worker grew by megabytes for nothing.
    """
    with contextlib.suppress(AttributeError):
        ctypes.CDLL(None).mallopt(M_ARENA_MAX, 2)


def run(descriptor: int, application: str, lifeline: int | None = None) -> None:
    """Serves `module:attribute` on a listening descriptor until told to stop."""
    interface = command_line(lifeline)
    # What was imported lives as long as the process; collections need not look at it again.
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 20, 50)
    _share_arenas()
    interface.run(["--fd", str(descriptor), application])
