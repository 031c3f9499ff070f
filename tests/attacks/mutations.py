"""Hostile bytes without end: handshakes and frames that begin well and go wrong somewhere.

`Chance` makes the same ones for the same seed. Bounded in `tests/attacks/test_fuzz.py`, by the
minute in `python -m benchmarks fuzz`.
"""

import json
import random
from collections.abc import Iterator

WORDS = [
    b"\x00", b"\xff", b"\xed\xa0\x80", b"\r\n", b"\r\n\r\n", b" ", b"%00", b"%", b"{}", b"[" * 64,
    b"null", b"-1", b"1e999", b"9" * 400, b"\\ud800", b"\\u0000", b'"', b"\xf0\x9f\x92\xa3", b";",
    b"../" * 8, b"x" * 4_000, b"bearer.", b"a.b.c", b"hq.v1", b",", b"\t", b"\x7f", b":", b"NaN",
]  # fmt: skip
TYPES = [
    "subscribe", "unsubscribe", "publish", "acknowledge", "refresh", "authenticate", "ping",
    "welcome", "update", "", "__init__",
]  # fmt: skip
FIELDS = [
    "type", "id", "token", "ticket", "mission", "after", "epoch", "kind", "body", "data",
    "classification", "roles", "requires_ack", "ack_within", "client_id", "update", "x",
]  # fmt: skip
HANDSHAKE = (
    b"GET /missions?missions=none&token={token} HTTP/1.1\r\nHost: 127.0.0.1\r\n"
    b"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: hq.v1\r\n\r\n"
)
REQUEST = (
    b"POST /api/auth/login HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
    b"Content-Length: 33\r\n\r\n" + b'{"username":"x","password":"yyy"}'
)


class Chance:
    """A stream of attacks."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)

    def mutated(self, good: bytes) -> bytes:
        """Bytes put in, taken out, repeated, changed or cut off, once to six times."""
        data = bytearray(good)
        for _ in range(self._random.randint(1, 6)):
            at = self._random.randint(0, len(data))
            to = min(len(data), at + self._random.randint(0, 12))
            how = self._random.randrange(5)
            if how == 0:
                data[at:at] = self._random.choice(WORDS)
            elif how == 1:
                del data[at:to]
            elif how == 2:
                data[at:at] = data[at:to] * self._random.randint(1, 40)
            elif how == 3 and at < len(data):
                data[at] = self._random.randrange(256)
            elif len(data) > 20 and self._random.random() < 0.2:
                del data[at:]
        return bytes(data)

    def handshake(self, token: str) -> bytes:
        """A handshake or another request, gone wrong."""
        good = HANDSHAKE if self._random.random() < 0.8 else REQUEST
        return self.mutated(good).replace(b"{token}", token.encode())

    def value(self, depth: int = 3) -> object:
        """Any JSON value."""
        kind = self._random.randrange(10 if depth else 7)
        if kind >= 7:
            items = [self.value(depth - 1) for _ in range(self._random.randrange(4))]
            if kind == 7:
                return items
            return {self._random.choice(FIELDS): item for item in items}
        word = self._random.choice(WORDS).decode("utf-8", "replace")
        values = [None, True, self._random.randint(-(2**70), 2**70), 0.5, "", word, word * 50]
        return values[kind]

    def text(self) -> bytes:
        """A frame's text: of a known type with odd fields, or no JSON any more."""
        said: dict[str, object] = {"type": self._random.choice(TYPES)}
        for field in self._random.sample(FIELDS[1:], self._random.randrange(6)):
            said[field] = self.value()
        good = json.dumps(said).encode()
        return self.mutated(good) if self._random.random() < 0.2 else good

    def frame(self) -> bytes:
        """A frame as bytes: mostly a well-formed one with an odd text, else a broken one."""
        text = self.text()
        opcode = self._random.choice([1] * 90 + [9] * 4 + [0, 2, 8, 10, 3])
        first = (0x80 if self._random.random() < 0.99 else 0) | opcode
        if self._random.random() < 0.005:
            first |= self._random.choice([0x10, 0x20, 0x40])
        mask = self._random.randbytes(4)
        masked = bytes(byte ^ mask[at % 4] for at, byte in enumerate(text))
        size = len(masked)
        if size < 126:
            length = bytes([0x80 | size])
        elif size < 65_536:
            length = b"\xfe" + size.to_bytes(2, "big")
        else:
            length = b"\xff" + size.to_bytes(8, "big")
        data = bytes([first]) + length + mask + masked
        return self.mutated(data) if self._random.random() < 0.01 else data

    def frames(self, most: int) -> Iterator[bytes]:
        """What one socket sends."""
        for _ in range(self._random.randint(1, most)):
            yield self.frame()
