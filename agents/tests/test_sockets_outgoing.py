"""The one way out: frames in order on any server, counted, bounded, and nothing after the end."""

import asyncio
from collections.abc import MutableMapping
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from agents.protocol import CloseCode, Pong, encode_frame
from agents.sockets.outgoing import EXTENSION, Outgoing, text_frame

Message = MutableMapping[str, Any]


class Server:
    """A server of plain ASGI messages that can be held up, and can fail."""

    def __init__(self) -> None:
        self.took: list[Message] = []
        self.goes = asyncio.Event()
        self.goes.set()
        self.fails = False

    async def send(self, message: Message) -> None:
        """Takes a message once it may."""
        await self.goes.wait()
        if self.fails:
            raise ConnectionError("the client left")
        self.took.append(message)


class Prepared:
    """A server with the extension."""

    def __init__(self) -> None:
        self.written: list[bytes] = []
        self.unsent = 0
        self.aborted = False
        self.found_slow = asyncio.Event()
        self.came: asyncio.Queue[bytes] = asyncio.Queue()

    def write(self, frames: bytes, live: bool = True) -> int:
        """Takes finished frames; the kernel takes none of them."""
        self.written.append(frames)
        self.came.put_nowait(frames)
        self.unsent += len(frames)
        return self.unsent

    def too_slow(self) -> None:
        """Closes with 4008."""
        self.found_slow.set()

    def waiting(self) -> int:
        """What the test says."""
        return self.unsent

    def abort(self) -> None:
        """Drops the connection."""
        self.aborted = True


def write(out: Outgoing, *payloads: bytes) -> None:
    """Writes payloads in both forms."""
    out.write(b"".join(map(text_frame, payloads)), payloads)


@given(st.integers(0, 70_000))
def test_a_frame_has_the_shortest_length_there_is(size: int) -> None:
    """RFC 6455, section 5.2: final, text, unmasked, and a minimal length."""
    payload = b"x" * size
    frame = text_frame(payload)
    assert frame[0] == 0x81
    assert frame.endswith(payload)
    head = 2 if size < 126 else 4 if size < 65_536 else 10
    assert len(frame) == head + size
    said = frame[1] if head == 2 else int.from_bytes(frame[2:head], "big")
    assert said == size


async def test_messages_leave_in_order_and_the_close_last() -> None:
    """Nothing is sent after a close, and a second close is none."""
    server = Server()
    out = Outgoing({}, server.send)
    out.send(Pong(id=1))
    write(out, b'"a"', b'"b"')
    out.close(CloseCode.NORMAL, "done")
    out.close(CloseCode.GOING_AWAY)
    write(out, b'"late"')
    await out.drained()
    assert [message.get("text", message.get("code")) for message in server.took] == [
        encode_frame(Pong(id=1)).decode(),
        '"a"',
        '"b"',
        1000,
    ]
    assert out.closed
    assert out.sent == 3


async def test_what_waits_is_counted_in_bytes_whatever_the_letters() -> None:
    """When all is sent, nothing waits: not after text of more bytes than letters either."""
    server = Server()
    server.goes.clear()
    out = Outgoing({}, server.send)
    write(out, '"äöü€"'.encode(), b'"plain"')
    assert out.waiting() == len('"äöü€"'.encode()) + len(b'"plain"')
    server.goes.set()
    await out.drained()
    assert out.waiting() == 0


async def test_an_abort_drops_what_waits_and_closes_with_its_reason() -> None:
    """On a server that cannot drop a connection, what was queued never leaves."""
    server = Server()
    server.goes.clear()
    out = Outgoing({}, server.send)
    write(out, b'"on its way"')
    await asyncio.sleep(0)
    write(out, b'"secret"')
    out.abort(CloseCode.SESSION_ENDED, "The session has ended.")
    server.goes.set()
    await out.drained()
    texts = [message.get("text", message.get("code")) for message in server.took]
    assert texts == ['"on its way"', 4003]
    assert out.waiting() == 0


async def test_a_close_that_waits_is_not_dropped_with_the_frames_before_it() -> None:
    """Cut off twice, or after it was closed, a client still learns that it is over."""
    server = Server()
    server.goes.clear()
    out = Outgoing({}, server.send)
    write(out, b'"on its way"')
    await asyncio.sleep(0)
    write(out, b'"secret"')
    out.close(CloseCode.SESSION_ENDED)
    out.abort()
    out.abort()
    server.goes.set()
    await out.drained()
    texts = [message.get("text", message.get("code")) for message in server.took]
    assert texts == ['"on its way"', 4003]
    assert out.waiting() == 0


async def test_a_server_that_fails_ends_the_connection() -> None:
    """Nothing more is queued for a client that is gone, and nobody is told twice."""
    server = Server()
    server.fails = True
    out = Outgoing({}, server.send)
    write(out, b'"a"', b'"b"')
    await out.drained()
    assert out.closed
    assert out.waiting() == 0
    write(out, b'"c"')
    await out.drained()
    assert server.took == []


async def test_finished_frames_go_to_the_servers_extension_at_once() -> None:
    """Without a task and without an ASGI message; the close alone is one."""
    server, prepared = Server(), Prepared()
    out = Outgoing({"extensions": {EXTENSION: prepared}}, server.send)
    write(out, b'"a"', b'"b"')
    assert prepared.written == [text_frame(b'"a"') + text_frame(b'"b"')]
    prepared.unsent = 7
    assert out.waiting() == 7
    out.close(CloseCode.NORMAL)
    await out.drained()
    assert [message["type"] for message in server.took] == ["websocket.close"]


async def test_an_abort_reaches_the_extension() -> None:
    """The connection is dropped, and no close is sent after it."""
    server, prepared = Server(), Prepared()
    out = Outgoing({"extensions": {EXTENSION: prepared}}, server.send)
    out.abort()
    out.close(CloseCode.SESSION_ENDED)
    write(out, b'"late"')
    await out.drained()
    assert prepared.aborted
    assert (prepared.written, server.took) == ([], [])


async def test_nothing_is_written_to_who_is_gone() -> None:
    """And the code that the client gave is kept, unless HQ closed first."""
    server = Server()
    out, closed = Outgoing({}, server.send), Outgoing({}, server.send)
    out.gone(1001)
    write(out, b'"late"')
    closed.close(CloseCode.SESSION_ENDED)
    closed.gone(1000)
    assert (out.code, closed.code) == (1001, 4003)
    await closed.drained()
    assert [message["type"] for message in server.took] == ["websocket.close"]
