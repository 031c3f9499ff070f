"""Sockets whose frames are timed as they arrive: the client of `revoke`.

The smallest client that HQ serves: it opens with a token, answers pings, and tells for each frame
its type and the moment at which its bytes were read. A close is told as its code.
"""

import asyncio
import json
import os
import struct
import time
from collections.abc import Callable
from uuid import UUID

from benchmarks.machine import BenchmarkError

TEXT, CLOSE, PING, PONG = 1, 8, 9, 10
PATIENCE = 15.0
"""Seconds after which what must come counts as lost."""


class Viewer(asyncio.Protocol):
    """One socket of an agent's."""

    def __init__(self, agent_id: UUID) -> None:
        self.agent_id = agent_id
        self._transport: asyncio.Transport | None = None
        self._buffer = b""
        self._upgraded = False
        self._arrived: asyncio.Queue[tuple[str, float]] = asyncio.Queue()

    @classmethod
    async def open(cls, agent_id: UUID, port: int, token: str) -> "Viewer":
        """A socket that was welcomed and subscribed."""
        loop = asyncio.get_running_loop()
        transport, viewer = await loop.create_connection(lambda: cls(agent_id), "127.0.0.1", port)
        viewer._transport = transport
        transport.write(
            f"GET /missions HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\n"
            "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
            f"Authorization: Bearer {token}\r\n\r\n".encode()
        )
        await viewer.until(lambda kind: kind == "subscribed")
        return viewer

    async def until(self, wanted: Callable[[str], bool]) -> tuple[str, float]:
        """The next frame that is wanted: its type, or `close 4003`; and when it was read.

        `BenchmarkError` when the connection ends before, or nothing comes.
        """
        try:
            async with asyncio.timeout(PATIENCE):
                while True:
                    kind, at = await self._arrived.get()
                    if wanted(kind):
                        return kind, at
                    if kind.startswith(("close", "lost")):
                        raise BenchmarkError(f"a socket ended: {kind}.")
        except TimeoutError:
            raise BenchmarkError(f"nothing came within {PATIENCE:.0f} s.") from None

    def gone(self) -> None:
        """Ends it without a word."""
        if self._transport is not None:
            self._transport.abort()

    def data_received(self, data: bytes) -> None:
        """What the loop read."""
        at = time.monotonic()
        self._buffer += data
        if not self._upgraded:
            head, mark, rest = self._buffer.partition(b"\r\n\r\n")
            if not mark:
                return
            if b" 101 " not in head.split(b"\r\n")[0]:
                self._arrived.put_nowait((f"lost: {head[:40]!r}", at))
                return
            self._upgraded, self._buffer = True, rest
        while (frame := self._frame()) is not None:
            self._take(*frame, at)

    def connection_lost(self, exc: Exception | None) -> None:
        """The transport is over; after a close nobody asks any more."""
        self._arrived.put_nowait(("lost", time.monotonic()))

    def _frame(self) -> tuple[int, bytes] | None:
        """The next whole frame of a server: not masked, not fragmented."""
        buffer = self._buffer
        if len(buffer) < 2:
            return None
        length, start = buffer[1], 2
        if length >= 126:
            shape, start = (">H", 4) if length == 126 else (">Q", 10)
            if len(buffer) < start:
                return None
            (length,) = struct.unpack(shape, buffer[2:start])
        if len(buffer) < start + length:
            return None
        self._buffer = buffer[start + length :]
        return buffer[0] & 0x0F, buffer[start : start + length]

    def _take(self, opcode: int, payload: bytes, at: float) -> None:
        if opcode == TEXT:
            self._arrived.put_nowait((json.loads(payload)["type"], at))
        elif opcode == CLOSE:
            code = int.from_bytes(payload[:2], "big")
            self._arrived.put_nowait((f"close {code}", at))
        elif opcode == PING and self._transport is not None:
            mask = os.urandom(4)
            masked = bytes(byte ^ mask[index % 4] for index, byte in enumerate(payload))
            self._transport.write(bytes([0x80 | PONG, 0x80 | len(payload)]) + mask + masked)
