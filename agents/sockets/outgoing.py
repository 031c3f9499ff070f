"""The one way out of a socket: frames in order, written at once where the server can.

HQ's daphne gives each scope an `hq.outgoing` extension that takes finished WebSocket frames and
writes them to the transport. On any other server the same calls queue plain ASGI messages, which
one task sends in order. Synchronous for the caller either way.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from typing import Any, Protocol

from agents.protocol import CloseCode, ServerFrame, encode_frame

Message = MutableMapping[str, Any]
Send = Callable[[Message], Awaitable[None]]

EXTENSION = "hq.outgoing"

BACKLOG_MOST = 1024 * 1024
"""Bytes queued for a client that does not read, where the server has no limit of its own."""


class PreparedFrames(Protocol):
    """The extension of HQ's daphne."""

    def write(self, frames: bytes) -> None:
        """Writes finished frames, at once when nothing is buffered."""

    def waiting(self) -> int:
        """Bytes that the kernel has not taken yet."""

    def abort(self) -> None:
        """Drops the connection and what waits on it."""


def text_frame(payload: bytes) -> bytes:
    """A whole unmasked text frame (RFC 6455, section 5.2)."""
    size = len(payload)
    if size < 126:
        return b"\x81%c%b" % (size, payload)
    if size < 65_536:
        return b"\x81\x7e%b%b" % (size.to_bytes(2, "big"), payload)
    return b"\x81\x7f%b%b" % (size.to_bytes(8, "big"), payload)


class Outgoing:
    """What a consumer and the switchboard write to.

    `sent` counts frames; `code` is the close code that the connection ends with.
    """

    __slots__ = ("_closed", "_prepared", "_queue", "_queued", "_send", "_task", "code", "sent")

    def __init__(self, scope: MutableMapping[str, Any], send: Send) -> None:
        self._send = send
        self._prepared: PreparedFrames | None = (scope.get("extensions") or {}).get(EXTENSION)
        self._queue: deque[tuple[Message, int]] | None = None
        self._queued = 0
        self._task: asyncio.Task[None] | None = None
        self._closed = False
        self.sent = 0
        self.code: int = CloseCode.ABNORMAL

    @property
    def closed(self) -> bool:
        """Whether a close was sent, or the connection is gone."""
        return self._closed

    def send(self, frame: ServerFrame) -> None:
        """Sends one frame."""
        payload = encode_frame(frame)
        self.write(text_frame(payload), (payload,))

    def write(self, frames: bytes, payloads: Sequence[bytes]) -> None:
        """Sends the same frames given in both forms: joined and finished, or as payloads."""
        if self._closed:
            return
        self.sent += len(payloads)
        if self._prepared is not None:
            self._prepared.write(frames)
        else:
            for payload in payloads:
                self._put({"type": "websocket.send", "text": payload.decode()}, len(payload))
            if self._queued > BACKLOG_MOST:
                self.abort(CloseCode.SLOW_CONSUMER, "Too many frames waited unread.")

    def waiting(self) -> int:
        """Bytes not yet on their way."""
        return self._prepared.waiting() if self._prepared is not None else self._queued

    def close(self, code: CloseCode, reason: str = "") -> None:
        """Closes after what was sent before."""
        if not self._closed:
            self._closed = True
            self.code = code
            self._put({"type": "websocket.close", "code": int(code), "reason": reason}, 0)

    def gone(self, code: int | None = None) -> None:
        """The connection is over, with the code that the client gave: nothing more goes out."""
        if code is not None and not self._closed:
            self.code = code
        self._closed = True

    def abort(
        self, code: CloseCode = CloseCode.SERVICE_RESTART, reason: str = "Access changed."
    ) -> None:
        """Drops the connection without what waits: what it held may not be seen any more.

        Code and reason are for a server that cannot: there the queue is dropped and it closes.
        """
        if self._prepared is not None:
            self._closed = True
            self._prepared.abort()
        else:
            self._drop_frames()
            self.close(code, reason)

    async def drained(self) -> None:
        """Waits until what was queued is sent, or cannot be."""
        if self._task is not None:
            await asyncio.gather(self._task, return_exceptions=True)

    def _put(self, message: Message, size: int) -> None:
        if self._queue is None:
            self._queue = deque()
        self._queue.append((message, size))
        self._queued += size
        if self._task is None or self._task.done():
            self._task = asyncio.get_running_loop().create_task(self._run(self._queue))

    async def _run(self, queue: "deque[tuple[Message, int]]") -> None:
        while queue:
            message, size = queue.popleft()
            try:
                await self._send(message)
            except Exception:  # noqa: BLE001  (servers fail in their own ways once a client left)
                self.gone()
                self._drop_frames()
            self._queued -= size

    def _drop_frames(self) -> None:
        """Empties the queue but for a close, which is always its last."""
        while self._queue and self._queue[0][0]["type"] != "websocket.close":
            self._queued -= self._queue.popleft()[1]
