"""A fuzz of a running HQ: bytes of `mutations` at its port, and what it must be afterwards.

Whatever was sent: no answer of 500 and up, no close with 1011, no traceback in the log, memory
flat, and a good socket answers. Used by a test with a count, by a benchmark with minutes.
"""

import asyncio
import contextlib
import re
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil

from tests.attacks.mutations import HANDSHAKE, Chance
from tests.serving.wire import masked

FAILED = re.compile(r"Traceback|\"exception\"|code(=|\": ?)1011|ERROR|CRITICAL")


class Siege:
    """One attacker of a port; `counts`, which attackers may share, says what came back."""

    def __init__(self, port: int, token: str, seed: int, counts: "Counter[str]") -> None:
        self.port, self.token = port, token
        self.chance = Chance(seed)
        self.counts = counts

    async def handshake(self) -> None:
        """One hostile handshake."""
        hostile = self.chance.handshake(self.token)
        answer = await self._said(0.5, [(hostile, b"\r\n\r\n")])
        status = answer[9:12].decode("latin-1")
        known = answer.startswith(b"HTTP/1.1 ")
        self.counts[f"handshake {status}" if known else "handshake unanswered"] += 1
        if known and status.startswith("5"):
            raise AssertionError(f"A handshake was answered {answer[:300]!r}.")

    async def socket(self, most: int = 40) -> None:
        """One good handshake, hostile frames, a good ping that says that all were read, a close."""
        opening = HANDSHAKE.replace(b"{token}", self.token.encode())
        frames = b"".join(self.chance.frames(most)) + masked(1, b'{"type":"ping","id":"end"}')
        answer = await self._said(
            2, [(opening, b"\r\n\r\n"), (frames, b'"id":"end"'), (masked(8, b"\x03\xe8"), b"")]
        )
        code = close_code(answer.partition(b"\r\n\r\n")[2])
        self.counts[f"closed {code}" if code else "socket left waiting"] += 1
        if code == 1011:
            raise AssertionError(f"A socket was closed with 1011: {answer[-200:]!r}.")

    async def _said(self, patience: float, steps: list[tuple[bytes, bytes]]) -> bytes:
        """What came in all: each step sends its bytes once the last step's answer was there.

        An empty answer is the end of the connection.
        """
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        said = b""
        with contextlib.suppress(ConnectionError, TimeoutError):
            async with asyncio.timeout(patience):
                for sent, answer in steps:
                    writer.write(sent)
                    await writer.drain()
                    while not (answer and answer in said):
                        chunk = await reader.read(65_536)
                        if not chunk:
                            raise ConnectionError
                        said += chunk
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


async def besiege(
    port: int, token: str, seed: int, attackers: int, goes_on: Callable[[int], bool]
) -> "Counter[str]":
    """Rounds of four handshakes and a socket by each attacker, while `goes_on(round)`."""
    counts: Counter[str] = Counter()

    async def attack(attacker: Siege) -> None:
        done = 0
        while goes_on(done):
            for _ in range(4):
                await attacker.handshake()
            await attacker.socket()
            done += 1

    sieges = [Siege(port, token, seed * 1_000 + number, counts) for number in range(attackers)]
    await asyncio.gather(*map(attack, sieges))
    return counts


def memory(pid: int) -> int:
    """Bytes that a process and its children hold."""
    process = psutil.Process(pid)
    return sum(one.memory_info().rss for one in [process, *process.children(recursive=True)])


def failures(log: Path) -> list[str]:
    """The lines of a log that say that something failed inside HQ."""
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    return [line for line in lines if FAILED.search(line)]
