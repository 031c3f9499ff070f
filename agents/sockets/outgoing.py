"""The one way out of a socket: frames in order, written at once where the server can.

HQ's daphne gives each scope an `hq.outgoing` extension that takes finished WebSocket frames and
writes them to the transport. On any other server the same calls queue plain ASGI messages, which
one task sends in order. Synchronous for the caller either way.

The server is given no more than it can pass on. The rest waits in a `Backlog`, as references to
frames that all sockets of a stream share; a client that does not take it is closed with 4008.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from typing import Any, Protocol

from agents.protocol import CloseCode, ServerFrame, encode_frame
from agents.sockets.backlog import LOOK_EVERY, Backlog, Entry

Message = MutableMapping[str, Any]
Send = Callable[[Message], Awaitable[None]]

EXTENSION = "hq.outgoing"

SLICE = 256 * 1024
"""Bytes given to the server at once, and that may wait there before the rest waits here."""


class PreparedFrames(Protocol):
    """The extension of HQ's daphne."""

    def write(self, frames: bytes, live: bool = True) -> int:
        """Writes finished frames, at once when nothing is buffered; says how many bytes wait.

        What is not `live` may be of any size: the server has no limit for it.
        """

    def waiting(self) -> int:
        """Bytes that the kernel has not taken yet."""

    def too_slow(self) -> None:
        """Closes with 4008 and drops the connection unless the client reads that."""

    def abort(self) -> None:
        """Drops the connection and what waits on it."""


def slices(payloads: Sequence[bytes]) -> list[tuple[bytes, Sequence[bytes]]]:
    """Payloads as finished frames, joined as far as `SLICE` allows, each with its payloads."""
    if sum(map(len, payloads)) <= SLICE:
        return [(b"".join(map(text_frame, payloads)), payloads)]
    parts: list[list[bytes]] = [[]]
    size = 0
    for payload in payloads:
        size += len(payload)
        if size > SLICE and parts[-1]:
            parts.append([])
            size = len(payload)
        parts[-1].append(payload)
    return [(b"".join(map(text_frame, part)), part) for part in parts]


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

    `sent` counts frames; `code` is the close code that the connection ends with. What waits for
    room goes out while `may_go()` holds.
    """

    __slots__ = (
        "_backlog",
        "_closed",
        "_in_want",
        "_prepared",
        "_queue",
        "_queued",
        "_send",
        "_task",
        "code",
        "may_go",
        "sent",
    )

    def __init__(self, scope: MutableMapping[str, Any], send: Send) -> None:
        self._send = send
        self._prepared: PreparedFrames | None = (scope.get("extensions") or {}).get(EXTENSION)
        self._queue: deque[tuple[Message, int]] | None = None
        self._queued = 0
        self._task: asyncio.Task[None] | None = None
        self._closed = False
        self._backlog: Backlog | None = None
        self._in_want = 0
        self.may_go: Callable[[], bool] = _always
        self.sent = 0
        self.code: int = CloseCode.ABNORMAL

    @property
    def closed(self) -> bool:
        """Whether a close was sent, or the connection is gone."""
        return self._closed

    def send(self, frame: ServerFrame, *, live: bool = True) -> None:
        """Sends one frame; one that is not `live`, and has `room`, may be of any size."""
        payload = encode_frame(frame)
        self.write(text_frame(payload), (payload,), live=live)

    def write(self, frames: bytes, payloads: Sequence[bytes], *, live: bool = True) -> None:
        """Sends the same frames given in both forms: joined and finished, or as payloads."""
        if self._closed:
            return
        self.sent += len(payloads)
        content = frames if self._prepared is not None else payloads
        if self._backlog is not None:
            self._backlog.add(Entry(content, len(frames), live))
        else:
            waits = self._give(content, live)
            if waits >= SLICE:
                self._fall_behind(waits)

    def waiting(self) -> int:
        """Bytes not yet on their way."""
        return self._at_server() + (self._backlog.size if self._backlog is not None else 0)

    async def room(self, below: int) -> None:
        """Waits until less than so many bytes wait, or the connection is closed.

        A client that takes nothing for long is closed for that.
        """
        self._in_want += 1
        try:
            while not self._closed and self.waiting() >= below:
                if self._backlog is None:
                    self._fall_behind(self._at_server())
                await asyncio.sleep(LOOK_EVERY)
        finally:
            self._in_want -= 1

    def close(self, code: CloseCode, reason: str = "") -> None:
        """Closes after what the server was given; what waits for room here is dropped."""
        if not self._closed:
            self._closed = True
            self._backlog = None
            self.code = code
            self._put({"type": "websocket.close", "code": int(code), "reason": reason}, 0)

    def gone(self, code: int | None = None) -> None:
        """The connection is over, with the code that the client gave: nothing more goes out."""
        if code is not None and not self._closed:
            self.code = code
        self._closed = True
        self._backlog = None

    def abort(
        self, code: CloseCode = CloseCode.SERVICE_RESTART, reason: str = "Access changed."
    ) -> None:
        """Drops the connection without what waits: what it held may not be seen any more.

        Code and reason are for a server that cannot: there the queue is dropped and it closes.
        """
        if self._prepared is not None:
            self.gone()
            self._prepared.abort()
        else:
            self._drop_frames()
            self.close(code, reason)

    async def drained(self) -> None:
        """Waits until what was queued is sent, or cannot be."""
        if self._task is not None:
            await asyncio.gather(self._task, return_exceptions=True)

    def _give(self, content: Any, live: bool) -> int:
        """Hands frames to the server, in its form; the bytes that wait there afterwards."""
        if self._prepared is not None:
            return self._prepared.write(content, live)
        for payload in content:
            self._put({"type": "websocket.send", "text": payload.decode()}, len(payload))
        return self._queued

    def _at_server(self) -> int:
        return self._prepared.waiting() if self._prepared is not None else self._queued

    def _fall_behind(self, waits: int) -> None:
        """From now on frames wait here until there is room."""
        self._backlog = Backlog(waits)
        asyncio.get_running_loop().call_later(LOOK_EVERY, self._look, self._backlog)

    def _look(self, backlog: Backlog) -> None:
        """Gives the server what it has room for; a slow client is closed."""
        if backlog is not self._backlog:
            return  # closed
        if self.may_go():
            waits = self._at_server()
            if (backlog or self._in_want) and backlog.slow(waits):
                self._too_slow()
                return
            while backlog and waits < SLICE:
                entry = backlog.next()
                waits = self._give(entry.frames, entry.live)
            if not backlog and waits < SLICE and not self._in_want:
                self._backlog = None
                return
        asyncio.get_running_loop().call_later(LOOK_EVERY, self._look, backlog)

    def _too_slow(self) -> None:
        if self._prepared is not None:
            self.gone(CloseCode.SLOW_CONSUMER)
            self._prepared.too_slow()
        else:
            self.abort(CloseCode.SLOW_CONSUMER, "Too many frames waited unread.")

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


def _always() -> bool:
    return True
