"""F1 to F3, F7: frames that no honest client sends."""

import asyncio
import contextlib
import json
import time
import uuid
from collections.abc import AsyncIterator

import pytest
import websockets

from tests.attacks.attacker import Attacker
from tests.attacks.doors import Good
from tests.attacks.forging import Forge
from tests.attacks.trail import Trail, eventually
from tests.cast import HANDLER
from tests.hq_server import HQServer
from tests.rest_client import RestClient
from tests.serving.wire import BINARY, CLOSE, CONTINUATION, PONG, TEXT, Wire
from tests.socket_client import SocketClient


@pytest.fixture
async def socket(attacker: Attacker, good: Good) -> AsyncIterator[SocketClient]:
    """An open socket of the handler's that follows no mission."""
    async with await attacker.open(good.access) as opened:
        await opened.expect("welcome")
        yield opened


def unknown_wire(attacker: Attacker) -> Wire:
    """A socket of bytes whose first message is awaited."""
    wire = attacker.wire()
    assert wire.handshake("/missions", "Sec-WebSocket-Protocol: hq.v1").status == 101
    return wire


def opened_wire(attacker: Attacker, good: Good) -> Wire:
    """A socket of bytes, past its handshake and its welcome."""
    wire = attacker.wire()
    assert wire.handshake(f"/missions?missions=none&token={good.access}").status == 101
    frame = wire.next_frame()
    assert frame is not None
    assert b"welcome" in frame.payload
    return wire


async def test_what_is_no_text_ends_the_socket(
    attacker: Attacker, good: Good, trail: Trail
) -> None:
    """F1: binary 1003, not UTF-8 1007, too large 1009, as endless fragments too."""
    attacks: dict[str, tuple[int, list[tuple[int, bytes, bool]]]] = {
        "binary": (1003, [(BINARY, b"\x00", True)]),
        "not UTF-8": (1007, [(TEXT, b'{"type":"\xff"}', True)]),
        "half a character": (1007, [(TEXT, b"\xe2\x82", True)]),
        "a surrogate": (1007, [(TEXT, b"\xed\xa0\x80", True)]),
        "too large": (1009, [(TEXT, b"x" * (128 * 1024 + 1), True)]),
        "endless fragments": (
            1009,
            [(TEXT, b"x" * 1000, False), *[(CONTINUATION, b"x" * 1000, False)] * 200],
        ),
        "empty fragments, then large": (
            1009,
            [
                (TEXT, b"", False),
                *[(CONTINUATION, b"", False)] * 50,
                (CONTINUATION, b"x" * 140_000, True),
            ],
        ),
    }
    for name, (code, frames) in attacks.items():
        with opened_wire(attacker, good) as wire:
            for opcode, payload, last in frames:
                wire.frame(opcode, payload, last=last)
            assert wire.close_code() == code, name
        with unknown_wire(attacker) as wire:
            for opcode, payload, last in frames:
                wire.frame(opcode, payload, last=last)
            assert wire.close_code() == code, name
    for code in (1003, 1007, 1009):
        await trail.expect("ws_close", address=attacker.address, code=code)
    trail.owes("input_validation_fail", "frames", attacker.address, attempts=len(attacks))
    with opened_wire(attacker, good) as wire:
        wire.frame(TEXT, b'{"type":"ping"}')
        frame = wire.next_frame()
        assert frame is not None
        assert frame.payload == b'{"type":"pong"}'


async def test_broken_frames_end_the_socket(attacker: Attacker, good: Good, trail: Trail) -> None:
    """F1's family: what RFC 6455 forbids is 1002."""
    for name, data in {
        "not masked": b"\x81\x02{}",
        "a reserved bit": b"\xc1\x82\0\0\0\0{}",
        "a reserved opcode": b"\x83\x82\0\0\0\0{}",
        "a fragmented ping": b"\x09\x80\0\0\0\0",
        "a ping of 126 bytes": b"\x89\xfe\x00\x7e\0\0\0\0" + b"x" * 126,
        "a continuation of nothing": b"\x80\x82\0\0\0\0{}",
        "a length that is too long a spelling": b"\x81\xfe\x00\x02\0\0\0\0{}",
        "a length of 2^63": b"\x81\xff\xff\xff\xff\xff\xff\xff\xff\xff\0\0\0\0",
    }.items():
        with opened_wire(attacker, good) as wire:
            wire.send(data)
            assert wire.close_code() in (1002, 1009), name
    await trail.expect("ws_close", address=attacker.address, code=1002)
    assert (await attacker.attempt(token=good.access)).admitted


MALFORMED: dict[str, tuple[str, str | None]] = {
    "not JSON": ("{", None),
    "empty": ("", None),
    "spaces": ("   ", None),
    "array": ("[]", None),
    "text": ('"x"', None),
    "null": ("null", None),
    "number": ("1e999", None),
    "NaN": ('{"type":"ping","id":NaN}', None),
    "no type": ('{"id":1}', "type"),
    "unknown type": ('{"type":"dance"}', "type"),
    "server's type": ('{"type":"welcome"}', "type"),
    "type a number": ('{"type":1}', "type"),
    "type null": ('{"type":null}', "type"),
    "type a list": ('{"type":["ping"]}', "type"),
    "missing field": ('{"type":"subscribe"}', "mission"),
    "wrong type": ('{"type":"subscribe","mission":7}', "mission"),
    "unknown field": ('{"type":"ping","colour":"red"}', "colour"),
    "id an object": ('{"type":"ping","id":{}}', "id"),
    "id too long": ('{"type":"ping","id":"' + "x" * 65 + '"}', "id"),
    "id too large": ('{"type":"ping","id":9007199254740992}', "id"),
    "id 10^400": ('{"type":"ping","id":1' + "0" * 400 + "}", "id"),
    "author given": (
        '{"type":"publish","mission":"m","kind":"report","body":"b","author":"x"}',
        "author",
    ),
    "body too long": (
        '{"type":"publish","mission":"m","kind":"report","body":"' + "x" * 8001 + '"}',
        "body",
    ),
    "body empty": ('{"type":"publish","mission":"m","kind":"report","body":""}', "body"),
    "kind unknown": ('{"type":"publish","mission":"m","kind":"gossip","body":"b"}', "kind"),
    "data a list": (
        '{"type":"publish","mission":"m","kind":"report","body":"b","data":[]}',
        "data",
    ),
    "nested": ("[" * 100_000, None),
    "nested objects": ('{"a":' * 20_000, None),
    "nested in a field": (
        '{"type":"publish","mission":"m","kind":"report","body":"b","data":{"a":'
        + "[" * 50_000
        + "]" * 50_000
        + "}}",
        None,
    ),
}


@pytest.mark.parametrize("name", MALFORMED)
async def test_a_malformed_frame_is_told_and_the_socket_stays(
    name: str, attacker: Attacker, good: Good, socket: SocketClient, trail: Trail
) -> None:
    """F2, F3: `invalid`, with the field where there is one."""
    text, field = MALFORMED[name]
    await socket.send(text)
    answer = await socket.expect("error")
    assert answer["code"] == "invalid"
    assert field is None or answer.get("field") == field
    assert (await socket.ask("ping"))["type"] == "pong"
    agent = Forge(good.access).claims["sub"]
    trail.owes("input_validation_fail", "frames", attacker.address, actor=agent, attempts=1)


async def test_ten_malformed_frames_in_a_minute_are_enough(
    attacker: Attacker, good: Good, socket: SocketClient, trail: Trail
) -> None:
    """F2: 4000; refusals do not count, and the agent's other socket is not hurt."""
    async with await attacker.open(good.access) as other:
        for _ in range(12):
            answer = await socket.ask("subscribe", mission=str(uuid.uuid4()))
            assert answer["code"] == "not_found"
        for _ in range(10):
            await socket.send("{")
        assert (await socket.closed())[0] == 4000
        await trail.expect("ws_close", address=attacker.address, code=4000)
        trail.owes("input_validation_fail", "frames", attacker.address, attempts=10)
        trail.owes("authz_fail", "not_found subscribe", attacker.address, attempts=12)
        assert (await other.ask("ping"))["type"] == "pong"


async def test_a_flood_ends_itself_alone(
    gate: HQServer, besieger: Attacker, gate_trail: Trail
) -> None:
    """F7: 1,000 frames at once, and 2,000 pings of the protocol: 4029; others are unharmed."""
    async with (
        await RestClient(gate).login(HANDLER) as client,
        await besieger.open(client.access) as flooding,
        await besieger.open(client.access) as calm,
    ):
        await calm.expect("welcome")

        async def flood() -> None:
            with contextlib.suppress(websockets.ConnectionClosed):
                for _ in range(1_000):
                    await flooding.send({"type": "ping"})

        async def slowest_answer() -> float:
            slowest = 0.0
            for _ in range(30):
                begun = time.monotonic()
                assert (await calm.ask("ping"))["type"] == "pong"
                slowest = max(slowest, time.monotonic() - begun)
            return slowest

        _, slowest = await asyncio.gather(flood(), slowest_answer())
        assert slowest < 4
        assert (await flooding.closed())[0] == 4029
        gate_trail.owes("excess_rate_limit_exceeded", "frames", besieger.address)
        with opened_wire(besieger, Good(client.access, "")) as wire:
            begun = time.monotonic()
            wire.send(b"\x89\x80\0\0\0\0" * 2_000)
            assert (await calm.ask("ping"))["type"] == "pong"
            assert time.monotonic() - begun < 4
            *pongs, close = wire.frames()
            assert {frame.opcode for frame in pongs} <= {PONG}
            assert len(pongs) < 200
            assert (close.opcode, close.payload[:2]) == (CLOSE, (4029).to_bytes(2, "big"))

        def both() -> bool:
            said = gate_trail.rows(event="ws_close", address=besieger.address, code=4029)
            return [row.actor for row in said] == [client.agent["id"]] * 2

        await eventually(both, "both ends with 4029", gate_trail.rows)


def test_the_malformed_frames_are_what_they_say() -> None:
    """Those with a field are JSON."""
    for text, field in MALFORMED.values():
        if field and "NaN" not in text:
            json.loads(text)
