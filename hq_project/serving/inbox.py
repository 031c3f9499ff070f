"""What a client sent and its application has not taken yet.

Half the memory of `asyncio.Queue`, and bounded: a client that sends faster than its application
takes is not read from until the application has caught up, so that its frames wait in its own
kernel and not in this process.
"""

import asyncio
from collections import deque
from typing import Any, Protocol

Message = dict[str, Any]

MESSAGES = 64
BYTES = 256 * 1024


class Source(Protocol):
    """The transport that fills an inbox."""

    def pauseProducing(self) -> None:  # noqa: N802  (Twisted's name)
        """Stops reading."""

    def resumeProducing(self) -> None:  # noqa: N802
        """Reads again."""


class Inbox:
    """ASGI messages for one application, taken by one reader through `get`."""

    __slots__ = ("_bound", "_bytes", "_messages", "_paused", "_source", "_waiter")

    def __init__(self, source: Source) -> None:
        self._source = source
        self._messages: deque[tuple[Message, int]] | None = None
        self._bytes = 0
        self._bound = True
        self._paused = False
        self._waiter: asyncio.Future[None] | None = None

    def put_nowait(self, message: Message, size: int = 0) -> None:
        """Adds a message; `size` is what counts against the bound, in bytes."""
        if self._messages is None:
            self._messages = deque()
        self._messages.append((message, size))
        self._bytes += size
        if self._bound and (len(self._messages) > MESSAGES or self._bytes > BYTES):
            self._paused = True
            self._source.pauseProducing()
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    async def get(self) -> Message:
        """The next message, waited for if there is none: ASGI's `receive`."""
        while not self._messages:
            self._waiter = asyncio.get_running_loop().create_future()
            try:
                await self._waiter
            finally:
                self._waiter = None
        message, size = self._messages.popleft()
        self._bytes -= size
        if not self._messages:
            self._messages = None  # an idle socket keeps no queue
            self._resume()
        return message

    def unbind(self) -> None:
        """The connection closes: its input is read to the end, whoever takes the messages."""
        self._bound = False
        self._resume()

    def _resume(self) -> None:
        if self._paused:
            self._paused = False
            self._source.resumeProducing()
