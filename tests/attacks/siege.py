"""A fuzz of a running HQ: bytes of `mutations` at its port, and what it must be afterwards.

Whatever was sent: no answer of 500 and up, no close with 1011, no traceback in the log, memory
flat, and a good socket answers. Used by a test with a count, by a benchmark with minutes.
"""

import asyncio
import contextlib
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import psutil

from tests.attacks.mutations import HANDSHAKE, Chance

FAILED = re.compile(r"Traceback|\"exception\"|code(=|\": ?)1011|ERROR|CRITICAL")


class Siege:
    """Attacks one port; `counts` says what came back."""

    def __init__(self, port: int, token: str, seed: int) -> None:
        self.port, self.token = port, token
        self.chance = Chance(seed)
        self.counts: Counter[str] = Counter()

    async def handshake(self) -> None:
        """One hostile handshake."""
        answer = await self._sent(0.5, self.chance.handshake(self.token), until=b"\r\n\r\n")
        status = answer[9:12].decode("latin-1")
        known = answer.startswith(b"HTTP/1.1 ")
        self.counts[f"handshake {status}" if known else "handshake unanswered"] += 1
        if known and status.startswith("5"):
            raise AssertionError(f"A handshake was answered {answer[:300]!r}.")

    async def socket(self, most: int = 40) -> None:
        """One good handshake, hostile frames after it, and a good close."""
        opening = HANDSHAKE.replace(b"{token}", self.token.encode())
        goodbye = b"\x88\x82\0\0\0\0\x03\xe8"
        answer = await self._sent(2, opening, *self.chance.frames(most), goodbye)
        _, _, frames = answer.partition(b"\r\n\r\n")
        code = close_code(frames)
        self.counts[f"closed {code}"] += 1
        if code == 1011:
            raise AssertionError(f"A socket was closed with 1011: {frames[-200:]!r}.")

    async def _sent(self, patience: float, *parts: bytes, until: bytes | None = None) -> bytes:
        """What came within that time, up to the end or to those bytes."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        said = b""
        with contextlib.suppress(ConnectionError, TimeoutError):
            async with asyncio.timeout(patience):
                for part in parts:
                    writer.write(part)
                await writer.drain()
                while chunk := await reader.read(65_536):
                    said += chunk
                    if until is not None and until in said:
                        break
        writer.close()
        return said


def close_code(frames: bytes) -> int | None:
    """The code of the close frame among what the server wrote; None without one."""
    for opcode, payload in parsed(frames):
        if opcode == 8:
            return int.from_bytes(payload[:2], "big")
    return None


def parsed(data: bytes) -> Iterator[tuple[int, bytes]]:
    """The server's frames."""
    while len(data) >= 2:
        size, head = data[1] & 0x7F, 2
        if size > 125:
            head = 4 if size == 126 else 10
            size = int.from_bytes(data[2:head], "big")
        yield data[0] & 0x0F, data[head : head + size]
        data = data[head + size :]


def memory(pid: int) -> int:
    """Bytes that a process and its children hold."""
    process = psutil.Process(pid)
    return sum(one.memory_info().rss for one in [process, *process.children(recursive=True)])


def failures(log: Path) -> list[str]:
    """The lines of a log that say that something failed inside HQ."""
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    return [line for line in lines if FAILED.search(line)]
