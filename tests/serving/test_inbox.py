"""What waits for an application."""

import asyncio

import httpx

from hq_project.serving.inbox import BYTES, MESSAGES, Inbox
from tests.patience import PATIENCE
from tests.serving.process import Serving
from tests.serving.wire import TEXT, Wire, masked


class Source:
    """A transport that remembers whether it reads."""

    def __init__(self) -> None:
        self.reads = True

    def pauseProducing(self) -> None:  # noqa: N802
        """Stops."""
        self.reads = False

    def resumeProducing(self) -> None:  # noqa: N802
        """Goes on."""
        self.reads = True


async def test_messages_come_out_in_order() -> None:
    """Also to a reader that waited before the first came."""
    inbox = Inbox(Source())
    first = asyncio.ensure_future(inbox.get())
    await asyncio.sleep(0)
    for number in range(3):
        inbox.put_nowait({"type": "websocket.receive", "text": str(number)})
    assert [(await first)["text"], (await inbox.get())["text"], (await inbox.get())["text"]] == [
        "0",
        "1",
        "2",
    ]


async def test_a_cancelled_reader_takes_nothing() -> None:
    """The message stays for the next one."""
    inbox = Inbox(Source())
    reader = asyncio.ensure_future(inbox.get())
    await asyncio.sleep(0)
    reader.cancel()
    await asyncio.gather(reader, return_exceptions=True)
    inbox.put_nowait({"type": "websocket.connect"})
    assert await inbox.get() == {"type": "websocket.connect"}


async def test_the_source_rests_until_all_is_taken() -> None:
    """Too many messages, or too many bytes, and nothing more is read for a while."""
    for count, size in ((MESSAGES + 1, 0), (2, BYTES)):
        source = Source()
        inbox = Inbox(source)
        for _ in range(count):
            assert source.reads
            inbox.put_nowait({"type": "websocket.receive"}, size)
        assert not source.reads
        for _ in range(count):
            assert not source.reads
            await inbox.get()
        assert source.reads


async def test_a_closing_connection_is_read_to_its_end() -> None:
    """Else the answer to a close would never be seen."""
    source = Source()
    inbox = Inbox(source)
    for _ in range(MESSAGES + 1):
        inbox.put_nowait({"type": "websocket.receive"})
    inbox.unbind()
    assert source.reads
    inbox.put_nowait({"type": "websocket.disconnect"})
    assert source.reads


def test_what_an_application_does_not_take_stays_with_the_client(server: Serving) -> None:
    """A busy application's client is not read from; later everything arrives."""
    frame, total = masked(TEXT, b"x" * 60_000), 64 * 1024 * 1024
    with Wire(server) as wire:
        assert wire.handshake("/hold").status == 101
        wire.frame(TEXT, b"take this")
        assert wire.next_frame() == (TEXT, b"held")
        wire.socket.settimeout(1)
        sent = 0
        try:
            while sent < total:
                sent += wire.socket.send(frame[sent % len(frame) :])
        except TimeoutError:
            pass
        assert sent < total
        httpx.get(f"{server.url}/release", trust_env=False, timeout=PATIENCE)
        wire.socket.settimeout(15)
        wire.send(frame[sent % len(frame) :] if sent % len(frame) else b"")
        wire.frame(TEXT, b"end")
        expected = -(-sent // len(frame)) + 1
        assert wire.next_frame() == (TEXT, str(expected).encode())
