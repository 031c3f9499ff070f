"""The client that times frames: what it reads, whichever way the bytes come."""

import asyncio
from typing import Any, cast
from uuid import uuid4

import pytest

from benchmarks import viewers
from benchmarks.machine import BenchmarkError
from benchmarks.viewers import Viewer

UPGRADED = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n"


def text(kind: str, size: int = 0) -> bytes:
    """A text frame of a server with that type, filled up to some size."""
    payload = b'{"type":"%b","x":"%b"}' % (kind.encode(), b"x" * size)
    if len(payload) < 126:
        return bytes([0x81, len(payload)]) + payload
    if len(payload) < 65_536:
        return b"\x81\x7e" + len(payload).to_bytes(2, "big") + payload
    return b"\x81\x7f" + len(payload).to_bytes(8, "big") + payload


STREAM = (
    UPGRADED + text("welcome") + text("small", 300) + text("large", 70_000) + b"\x88\x02\x0f\xa3"
)


class Sent:
    """A transport that keeps what was written."""

    def __init__(self) -> None:
        self.data = b""

    def write(self, data: bytes) -> None:
        """Keeps it."""
        self.data += data


@pytest.mark.parametrize("size", [1, 7, 1_000, len(STREAM)])
async def test_frames_are_told_in_order_however_the_bytes_are_cut(size: int) -> None:
    """The head of the upgrade too; a close is told as its code."""
    viewer = Viewer(uuid4())
    for start in range(0, len(STREAM), size):
        viewer.data_received(STREAM[start : start + size])
    told = [(await viewer.until(lambda kind: True))[0] for _ in range(4)]
    assert told == ["welcome", "small", "large", "close 4003"]


async def test_a_ping_is_answered_with_its_payload_masked() -> None:
    """Else HQ would drop it after 30 s."""
    viewer, sent = Viewer(uuid4()), Sent()
    viewer._transport = cast(Any, sent)
    viewer.data_received(UPGRADED + b"\x89\x04abcd")
    head, mask, payload = sent.data[:2], sent.data[2:6], sent.data[6:]
    assert head == bytes([0x8A, 0x84])
    assert bytes(one ^ key for one, key in zip(payload, mask, strict=True)) == b"abcd"


@pytest.mark.parametrize(
    "stream",
    [b"HTTP/1.1 401 Unauthorized\r\n\r\n", UPGRADED + b"\x88\x02\x0f\xa1"],
)
async def test_another_end_than_the_one_waited_for_is_an_error(stream: bytes) -> None:
    """A refused handshake, another close code, a cut connection."""
    viewer = Viewer(uuid4())
    viewer.data_received(stream)
    viewer.connection_lost(None)
    with pytest.raises(BenchmarkError):
        await viewer.until(lambda kind: kind == "close 4003")


async def test_what_does_not_come_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """A frame that was lost must not look like a fast one."""
    monkeypatch.setattr(viewers, "PATIENCE", 0.01)
    viewer = Viewer(uuid4())
    viewer.data_received(UPGRADED + text("welcome"))
    with pytest.raises(BenchmarkError):
        await viewer.until(lambda kind: kind == "subscribed")


async def test_each_wait_has_a_moment_of_its_own() -> None:
    """The time is that of the read, on the clock that the commits are timed by."""
    viewer = Viewer(uuid4())
    viewer.data_received(UPGRADED + text("one"))
    await asyncio.sleep(0)
    viewer.data_received(text("two"))
    _, first = await viewer.until(lambda kind: kind == "one")
    _, second = await viewer.until(lambda kind: kind == "two")
    assert first <= second
