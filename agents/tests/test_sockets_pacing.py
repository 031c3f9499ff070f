"""The one way out, paced: who reads gets all, and who does not is let go."""

import asyncio

import pytest

from agents.protocol import Pong
from agents.sockets import backlog, outgoing
from agents.sockets.outgoing import EXTENSION, Outgoing, text_frame
from agents.tests.test_sockets_outgoing import Prepared, Server, write

LONG = b'"' + b"x" * (outgoing.SLICE - 2) + b'"'


async def until_closed(out: Outgoing) -> None:
    """Until HQ has let go of it."""
    async with asyncio.timeout(10):
        await out.room(0)


async def test_a_client_that_does_not_read_is_cut_off() -> None:
    """It is given a slice and a second; then it gets 4008 and none of the rest."""
    server = Server()
    server.goes.clear()
    out = Outgoing({}, server.send)
    for _ in range(8):
        write(out, LONG)
    assert not out.closed
    await until_closed(out)
    assert (out.code, out.waiting()) == (4008, len(LONG))  # the one that is on its way
    server.goes.set()
    await out.drained()
    assert [message.get("code") for message in server.took] == [None, 4008]


async def test_a_client_that_does_not_read_is_cut_off_by_the_extension() -> None:
    """What waits is dropped at once; the server closes with what it was given."""
    server, prepared = Server(), Prepared()
    out = Outgoing({"extensions": {EXTENSION: prepared}}, server.send)
    for _ in range(8):
        write(out, LONG)
    async with asyncio.timeout(10):
        await prepared.found_slow.wait()
    assert out.closed
    assert out.code == 4008
    assert prepared.written == [text_frame(LONG)]


async def test_a_client_that_reads_gets_all_however_much_came_at_once() -> None:
    """Frames in order, no more than two slices at the server, and then as before."""
    server, prepared = Server(), Prepared()
    out = Outgoing({"extensions": {EXTENSION: prepared}}, server.send)
    payloads = [b'"%06d%s"' % (number, b"x" * 90_000) for number in range(60)]
    for part, listed in outgoing.slices(payloads):
        assert len(part) < 2 * outgoing.SLICE
        out.write(part, listed)
    async with asyncio.timeout(10):
        while out.waiting():
            assert prepared.unsent <= 2 * outgoing.SLICE
            prepared.unsent = 0
            await asyncio.sleep(0)
    assert b"".join(prepared.written) == b"".join(map(text_frame, payloads))
    async with asyncio.timeout(10):
        await out.room(outgoing.SLICE)
    write(out, b'"small"')
    assert not out.closed


async def test_what_waits_is_held_back_while_rights_are_not_known() -> None:
    """It was written by rights that may have ended; nobody is slow for that."""
    server, prepared = Server(), Prepared()
    out = Outgoing({"extensions": {EXTENSION: prepared}}, server.send)
    fresh, asked = False, asyncio.Queue[None]()

    def may_go() -> bool:
        asked.put_nowait(None)
        return fresh

    out.may_go = may_go
    for _ in range(8):
        write(out, LONG)
    prepared.unsent = 0
    async with asyncio.timeout(10):
        for _ in range(60):
            await asked.get()
    assert len(prepared.written) == 1
    assert not out.closed
    fresh = True
    async with asyncio.timeout(10):
        while len(prepared.written) == 1:
            await asked.get()


async def test_who_takes_nothing_for_long_is_cut_off_once_something_waits_for_that(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Not for what the server holds anyway; but whoever asks for more has to read."""
    monkeypatch.setattr(backlog, "LOOKS_STALLED", 20)
    server, prepared = Server(), Prepared()
    out = Outgoing({"extensions": {EXTENSION: prepared}}, server.send)
    looks: asyncio.Queue[None] = asyncio.Queue()
    out.may_go = lambda: looks.put_nowait(None) or True  # type: ignore[func-returns-value]
    write(out, LONG)
    async with asyncio.timeout(10):
        for _ in range(40):
            await looks.get()
        assert not out.closed
        await out.room(outgoing.SLICE)
    assert out.closed
    assert out.code == 4008


async def test_a_frame_of_any_size_does_not_count_but_what_follows_waits_for_it() -> None:
    """A long `welcome` ends nobody; order holds."""
    server, prepared = Server(), Prepared()
    out = Outgoing({"extensions": {EXTENSION: prepared}}, server.send)
    out.send(Pong(id="x" * 3_000_000), live=False)
    write(out, b'"after"')
    task = asyncio.create_task(out.room(outgoing.SLICE))
    done, _ = await asyncio.wait([task], timeout=1.5)
    assert not done
    assert not out.closed
    await prepared.came.get()
    prepared.unsent = 0
    async with asyncio.timeout(10):
        await task
        assert await prepared.came.get() == text_frame(b'"after"')
