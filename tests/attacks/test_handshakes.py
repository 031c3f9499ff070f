"""H4 to H8, H10: handshakes that no honest client makes."""

import asyncio
import json
import time
from urllib.parse import quote

import pytest

from tests.attacks.attacker import Attacker, Outcome, settled
from tests.attacks.doors import Good
from tests.attacks.forging import Forge
from tests.attacks.trail import Trail
from tests.cast import ANALYST
from tests.hq_server import HQServer
from tests.rest_client import RestClient
from tests.serving.wire import CLOSE, TEXT
from tests.tokens import forged


@pytest.mark.parametrize(
    ("offered", "refused"),
    [
        (["chat"], Outcome(False, 401, "token_missing")),
        (["chat", "mqtt"], Outcome(False, 401, "token_missing")),
        (["bearer."], Outcome(False, 401, "token_missing")),
        (["hq.v1", "bearer."], Outcome(False, 401, "token_missing")),
        (["hq.v1", "bearer.x"], Outcome(False, 401, "token_invalid")),
        (["hq.v1", "bearer..."], Outcome(False, 401, "token_invalid")),
        (["hq.v1", "a.b.c"], Outcome(False, 401, "token_invalid")),
    ],
)
async def test_a_subprotocol_that_brings_nothing(
    offered: list[str], refused: Outcome, attacker: Attacker, good: Good, trail: Trail
) -> None:
    """H4: refused, never a crash; a browser is told over an open socket."""
    assert await attacker.attempt(subprotocols=offered) == refused
    origin = attacker.server.origin
    if "chat" in offered:  # nothing known was offered: from a browser the first message is awaited
        async with await attacker.open(subprotocols=offered, origin=origin) as socket:
            assert socket.connection.subprotocol is None
            await socket.send({"type": "authenticate", "token": good.access})
            assert (await settled(socket)).admitted
    else:
        told = await attacker.attempt(subprotocols=offered, origin=origin)
        assert told == Outcome(False, 4001, refused.code)
    attempts = 1 if "chat" in offered else 2
    trail.owes("authn_token_refused", refused.code, attacker.address, attempts=attempts)


async def test_hq_v1_alone_waits_for_the_first_message(attacker: Attacker, good: Good) -> None:
    """H4: nothing is said before it."""
    async with await attacker.open(subprotocols=["hq.v1"]) as socket:
        await socket.send({"type": "authenticate", "token": good.access})
        assert (await settled(socket)).admitted


@pytest.mark.parametrize(
    "query",
    [
        "token=%ff%fe",
        "%ff%fe=1",
        "token=%00",
        "ticket=%00",
        "token=%ED%A0%80",
        "ticket=%F0%9F%92%A3",
        "token={}%00",
        "token={}+",
        "token=+{}",
        "token={};",
        "x=1;token={}",
        "TOKEN={}",
        "token[]={}",
        "token=%",
        "&&&==&",
    ],
)
async def test_an_odd_query_is_refused(
    query: str, attacker: Attacker, good: Good, trail: Trail
) -> None:
    """H5: 401 without a traceback; the same server goes on."""
    with attacker.wire() as wire:
        response = wire.handshake(f"/missions?{query.replace('{}', good.access)}")
        assert response.status == 401
    code = json.loads(response.body)["code"]
    assert code in {"token_invalid", "token_missing"}
    trail.owes("authn_token_refused", code, attacker.address, attempts=1)
    with attacker.wire() as wire:
        assert wire.handshake(f"/missions?token={good.access}").status == 101


@pytest.mark.parametrize(
    ("target", "reason"),
    [
        (b"/missions?token=\xff\xfe", "http 400"),
        (b"/missions?\x01", "http 400"),
        (b"/\xff", "http 400"),
        (b"/missions#x", "handshake"),
    ],
)
async def test_odd_bytes_in_the_target_harm_nobody(
    target: bytes, reason: str, attacker: Attacker, good: Good, trail: Trail
) -> None:
    """H5: raw bytes that no URL holds."""
    with attacker.wire() as wire:
        assert wire.handshake(target.decode("latin-1")).status == 400
    with attacker.wire() as wire:
        assert wire.handshake(f"/missions?token={good.access}").status == 101
    trail.owes("input_validation_fail", reason, attacker.address, attempts=1)


async def test_one_credential_alone(attacker: Attacker, good: Good, trail: Trail) -> None:
    """H6: several are refused, all good or not; a bad one beside a good cookie is bad."""
    token, origin = good.access, attacker.server.origin
    async with RestClient(attacker.server) as client:
        client.access = token
        ticket = await client.ticket()
    refused = Outcome(False, 401, "token_invalid")
    for how in (
        {"query": f"token={token}&token={token}"},
        {"query": f"token={token}&ticket={ticket}"},
        {"query": f"token={token}&authorization=Bearer%20{token}"},
        {"query": f"token={token}", "token": token},
        {"token": token, "subprotocols": ["hq.v1", f"bearer.{token}"]},
        {"token": token, "headers": {"token": token}},
        {"subprotocols": [token, f"bearer.{token}"]},
        {"token": token, "query": f"ticket={quote('x' * 43)}"},
    ):
        assert await attacker.attempt(**how) == refused, how
    cookie = {"Cookie": f"jwt={token}"}
    bad = await attacker.attempt(query=f"token={forged(token)}", headers=cookie, origin=origin)
    assert bad == Outcome(False, 4001, "token_invalid")
    two = {"Cookie": f"jwt={token}; jwt={forged(token)}"}
    assert not (await attacker.attempt(headers=two, origin=origin)).admitted
    # The ticket was not spent by the handshakes that were refused.
    assert (await attacker.attempt(query=f"ticket={ticket}")).admitted
    trail.owes("authn_token_refused", "token_invalid", attacker.address, attempts=10)


@pytest.mark.parametrize(
    "path",
    ["/", "/nothing", "/missions/x", "/missions//", "//missions", "/Missions", "/api/missions"],
)
async def test_an_unknown_path_is_not_found(
    path: str, attacker: Attacker, good: Good, trail: Trail
) -> None:
    """H7: with a good token or without."""
    for more in ([], [f"Authorization: Bearer {good.access}"]):
        with attacker.wire() as wire:
            response = wire.handshake(path, *more)
            assert (response.status, b"not_found" in response.body) == (404, True)
    trail.owes("input_validation_fail", "path", attacker.address, attempts=2)
    assert (await attacker.attempt(token=good.access)).admitted


async def test_whoever_says_nothing_is_closed(
    fort: HQServer, attacker: Attacker, good: Good, trail: Trail
) -> None:
    """H8, H10: 5 s for the first message, 10 s for the head, one byte a second or none at all."""
    begun = time.monotonic()

    async def mute() -> None:
        async with await attacker.open(subprotocols=["hq.v1"]) as socket:
            assert await settled(socket) == Outcome(False, 4001, "auth_timeout")
            assert 4 < time.monotonic() - begun < 10

    async def dripping(head: bytes) -> None:
        reader, writer = await asyncio.open_connection(
            "127.0.0.1", fort.port, local_addr=(attacker.address, 0)
        )
        ended = asyncio.create_task(reader.read())
        for byte in head:
            writer.write(bytes([byte]))
            await asyncio.wait([ended], timeout=1)
            if ended.done():
                break
        await asyncio.wait_for(ended, 15)
        assert time.monotonic() - begun < 16  # its last byte would come much later
        writer.close()

    await asyncio.gather(
        mute(),
        dripping(b"GET /missions HTTP/1.1\r\nHost: x\r\n"),
        dripping(b"POST /api/auth/login HTTP/1.1\r\n"),
        dripping(b""),
    )
    assert (await attacker.attempt(token=good.access)).admitted
    trail.owes("authn_token_refused", "auth_timeout", attacker.address, attempts=1)
    # A connection that was opened ahead and never used is no attack.
    trail.owes("input_validation_fail", "http timeout", attacker.address, attempts=2)


@pytest.mark.parametrize(
    "first",
    [
        {"type": "ping"},
        {"type": "subscribe", "mission": "x"},
        {"type": "authenticate"},
        {"type": "authenticate", "token": 7},
        {"type": "authenticate", "token": "x", "extra": 1},
        {"type": "refresh", "token": "{}"},
        "hello",
        "",
        "Authorization: Basic eA==",
        "Authorization:",
        "[" * 100_000,
    ],
    ids=lambda first: str(first)[:40],
)
async def test_the_first_message_authenticates(
    first: dict[str, object] | str, attacker: Attacker, good: Good, trail: Trail
) -> None:
    """H8: anything else is 4001, a good token in a frame of another type too."""
    if isinstance(first, dict) and first.get("token") == "{}":
        first = {**first, "token": good.access}
    async with await attacker.open(subprotocols=["hq.v1"]) as socket:
        await socket.send(first)
        outcome = await settled(socket)
        assert outcome.status == 4001
        assert outcome.code in {"token_missing", "token_invalid"}
    trail.owes("authn_token_refused", outcome.code, attacker.address, attempts=1)
    assert (await attacker.attempt(token=good.access)).admitted


async def test_a_socket_is_one_agents(attacker: Attacker, good: Good, trail: Trail) -> None:
    """H8: authentication for a second agent ends it."""
    async with await RestClient(attacker.server).login(ANALYST) as other:
        for kind in ("authenticate", "refresh", "ping"):
            async with await attacker.open(good.access) as socket:
                await socket.expect("welcome")
                await socket.send({"type": kind, "token": other.access})
                assert await settled(socket) == Outcome(False, 4001, "token_invalid")
    victim = Forge(good.access).claims["sub"]
    trail.owes("authn_token_refused", "token_invalid", attacker.address, actor=victim, attempts=3)


async def test_nothing_is_told_before_authentication(attacker: Attacker, trail: Trail) -> None:
    """No frame with data reaches a socket that has not authenticated: the close is all."""
    with attacker.wire() as wire:
        assert wire.handshake("/missions", "Sec-WebSocket-Protocol: hq.v1").status == 101
        wire.frame(TEXT, b'{"type":"subscribe","mission":"x"}')
        frames = list(wire.frames())
    assert [frame.opcode for frame in frames] == [TEXT, CLOSE]
    assert b"auth_failed" in frames[0].payload
    trail.owes("authn_token_refused", "token_missing", attacker.address, attempts=1)
