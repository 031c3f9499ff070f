"""F1 to F9: frames that no honest client sends."""

import asyncio
import contextlib
import json
import time
import uuid
from collections.abc import AsyncIterator
from typing import Any

import pytest
import websockets

from tests.attacks.attacker import Attacker
from tests.attacks.doors import Good
from tests.cast import ANALYST, HANDLER, NOVICE, OPERATIVE
from tests.hq_server import HQServer
from tests.ledger import Frame
from tests.rest_client import Refused, RestClient
from tests.serving.wire import BINARY, CONTINUATION, TEXT, Wire
from tests.socket_client import SocketClient


@pytest.fixture
async def socket(attacker: Attacker, good: Good) -> AsyncIterator[SocketClient]:
    """An open socket of the handler's that follows no mission."""
    async with await attacker.open(good.access) as opened:
        await opened.expect("welcome")
        yield opened


@pytest.fixture
async def handler(fort: HQServer, good: Good) -> AsyncIterator[RestClient]:
    """The handler, with the session of `good`."""
    async with RestClient(fort) as client:
        client.access = good.access
        client.agent = await client.call("GET", "/api/auth/me")
        yield client


def opened_wire(fort: HQServer, good: Good) -> Wire:
    """A socket of bytes, past its handshake and its welcome."""
    wire = Wire(fort)
    assert wire.handshake(f"/missions?missions=none&token={good.access}").status == 101
    frame = wire.next_frame()
    assert frame is not None
    assert b"welcome" in frame.payload
    return wire


def test_what_is_no_text_ends_the_socket(fort: HQServer, good: Good) -> None:
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
        with opened_wire(fort, good) as wire:
            for opcode, payload, last in frames:
                wire.frame(opcode, payload, last=last)
            assert wire.close_code() == code, name
    with opened_wire(fort, good) as wire:
        wire.frame(TEXT, b'{"type":"ping"}')
        frame = wire.next_frame()
        assert frame is not None
        assert frame.payload == b'{"type":"pong"}'


def test_broken_frames_end_the_socket(fort: HQServer, good: Good) -> None:
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
        with opened_wire(fort, good) as wire:
            wire.send(data)
            assert wire.close_code() in (1002, 1009), name


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
    name: str, socket: SocketClient
) -> None:
    """F2, F3: `invalid`, with the field where there is one."""
    text, field = MALFORMED[name]
    await socket.send(text)
    answer = await socket.expect("error")
    assert answer["code"] == "invalid"
    assert field is None or answer.get("field") == field
    assert (await socket.ask("ping"))["type"] == "pong"


async def test_ten_malformed_frames_in_a_minute_are_enough(
    attacker: Attacker, good: Good, socket: SocketClient
) -> None:
    """F2: 4000; refusals do not count, and the agent's other socket is not hurt."""
    async with await attacker.open(good.access) as other:
        for _ in range(12):
            answer = await socket.ask("subscribe", mission=str(uuid.uuid4()))
            assert answer["code"] == "not_found"
        for _ in range(10):
            await socket.send("{")
        assert (await socket.closed())[0] == 4000
        assert (await other.ask("ping"))["type"] == "pong"


async def test_what_is_hidden_answers_as_what_is_not(fort: HQServer, director: RestClient) -> None:
    """F4: subscribe, publish, acknowledge; mission, update, and ids that are none."""
    mission = await director.create_mission("Hidden", classification="secret")
    update = await director.publish(mission, "nobody below secret reads this", requires_ack=True)
    async with (
        await RestClient(fort).login(NOVICE) as novice,
        await SocketClient.open(fort, novice.access, query="missions=none") as socket,
    ):
        for kind, field, hidden, fields in (
            ("subscribe", "mission", mission, {}),
            ("publish", "mission", mission, {"kind": "report", "body": "let me in"}),
            ("publish", "mission", mission, {"kind": "order", "body": "let me command"}),
            ("acknowledge", "update", update["id"], {}),
        ):
            answers = []
            for one in (hidden, str(uuid.uuid4()), "x", hidden.upper(), "", "\u0000"):
                answer = await socket.ask(kind, **{field: one}, **fields)
                answers.append({name: answer[name] for name in ("type", "code", "message")})
            assert answers[0]["code"] == "not_found"
            assert all(answer == answers[0] for answer in answers)
    assert [entry["update"]["id"] for entry in await director.log(mission)] == [update["id"]]


async def test_what_may_not_be_published(fort: HQServer, handler: RestClient) -> None:
    """F5: above the own clearance, below the mission, an order by an operative, after the end."""
    async with await RestClient(fort).login(OPERATIVE) as operative:
        mission = await handler.create_mission("Ruled", classification="confidential")
        await handler.add(mission, operative)
        async with await SocketClient.open(fort, operative.access) as socket:
            await socket.expect("subscribed", mission=mission)

            async def refused(**fields: Any) -> Any:
                draft = {"mission": mission, "kind": "report", "body": "b", **fields}
                answer = await socket.ask("publish", **draft)
                with pytest.raises(Refused) as over_rest:
                    await operative.call(
                        "POST",
                        f"/api/missions/{mission}/updates",
                        {name: value for name, value in draft.items() if name != "mission"},
                    )
                assert over_rest.value.code == answer["code"]
                return answer["code"]

            assert await refused(classification="secret") == "forbidden"
            assert await refused(classification="top-secret") == "forbidden"
            assert await refused(classification="restricted") == "forbidden"
            assert await refused(kind="order") == "forbidden"
            assert await refused(kind="status") == "forbidden"
            assert await refused(classification="cosmic") == "invalid"
            assert await refused(roles=["emperor"]) == "invalid"
            await handler.call("PATCH", f"/api/missions/{mission}", {"status": "completed"})
            assert await refused() == "mission_closed"
    assert await handler.log(mission) == []


async def test_a_bad_cursor_gets_a_snapshot(fort: HQServer, handler: RestClient) -> None:
    """F6: unknown, hidden, of another epoch or mission, no UUID: a snapshot that tells nothing."""
    async with await RestClient(fort).login(ANALYST) as analyst:
        mission = await handler.create_mission("Cursor")
        other = await handler.create_mission("Elsewhere")
        await handler.add(mission, analyst)
        hidden = await handler.publish(mission, "for handlers alone", roles=["handler"])
        seen = await handler.publish(mission, "for all who are here")
        foreign = await handler.publish(other, "of another mission altogether")
        async with await SocketClient.open(fort, analyst.access, query="missions=none") as socket:
            whole = await socket.ask("subscribe", mission=mission)
            epoch = whole["epoch"]
            assert [entry["update"]["id"] for entry in whole["updates"]] == [seen["id"]]
            for after, of in (
                (str(uuid.uuid4()), epoch),
                (hidden["id"], epoch),
                (foreign["id"], epoch),
                ("not an id", epoch),
                ("", epoch),
                (seen["id"], str(uuid.uuid4())),
                (seen["id"], ""),
                (seen["id"].upper(), "x"),
            ):
                page = await socket.ask("subscribe", mission=mission, after=after, epoch=of)
                assert {**page, "id": 0} == {**whole, "id": 0}, (after, of)
            good = await socket.ask("subscribe", mission=mission, after=seen["id"], epoch=epoch)
            assert (good["recovered"], good["updates"]) == (True, [])


async def test_a_flood_ends_itself_alone(gate: HQServer, besieger: Attacker) -> None:
    """F7: 1,000 frames at once, and pings of the protocol: 4029; others are answered as before."""
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
        assert slowest < 2
        assert (await flooding.closed())[0] == 4029
        with opened_wire(gate, Good(client.access, "")) as wire:
            wire.send(b"\x89\x80\0\0\0\0" * 2_000)
            assert (await calm.ask("ping"))["type"] == "pong"


async def test_one_client_id_is_one_update(fort: HQServer, handler: RestClient) -> None:
    """F8: three times at the same instant, over two workers and over REST: the same answer."""
    mission = await handler.create_mission("Once")
    draft = {"kind": "report", "body": "said once, heard once", "client_id": "the same"}
    sockets: dict[int, SocketClient] = {}
    spare = []
    while len(sockets) < 2:
        socket = await SocketClient.open(fort, handler.access, query="missions=none")
        spare.append(socket)
        sockets.setdefault(socket.worker, socket)

    async def by_socket(socket: SocketClient) -> Frame:
        update: Frame = (await socket.ask("publish", mission=mission, **draft))["update"]
        return update

    async def by_rest() -> Frame:
        update: Frame = await handler.call("POST", f"/api/missions/{mission}/updates", draft)
        update.pop("client_id")
        return update

    ways = [*map(by_socket, sockets.values()), by_rest(), *map(by_socket, sockets.values())]
    first, *others = await asyncio.gather(*ways)
    assert all(update == first for update in others)
    assert [entry["update"]["id"] for entry in await handler.log(mission)] == [first["id"]]
    one = next(iter(sockets.values()))
    other = await one.ask("publish", mission=mission, **{**draft, "body": "something else"})
    assert other["code"] == "conflict"
    for socket in spare:
        await socket.close()


TEXTS = {
    "script": "<script>alert(document.cookie)</script>",
    "markup": '"><img src=x onerror=alert(1)>',
    "template": "{{7*7}} ${7*7} {% debug %}",
    "SQL": "'; DROP TABLE missions_update; --",
    "right to left": "\u202eevil\u202c \u2066x\u2069",
    "zero width": "a\u200b\ufeffb",
    "control": "\x1b[31mred\x07\r\n\x7f",
    "surrogate pair": "\U0001f4a3",
    "format": "%s %n {0} %(x)s",
}


@pytest.mark.parametrize("name", TEXTS)
async def test_text_is_kept_as_text(name: str, fort: HQServer, handler: RestClient) -> None:
    """F9: what was said comes back as it was said, live and read, over both ways in."""
    text = TEXTS[name]
    codename = "".join(character for character in text if character not in "\x1b\x07\r\n\x7f")
    mission = await handler.create_mission(codename, objective=text)
    async with await SocketClient.open(fort, handler.access, query="missions=none") as socket:
        await socket.ask("subscribe", mission=mission)
        said = await socket.ask(
            "publish", mission=mission, kind="report", body=text, data={text: text}
        )
        live = await socket.expect_update(said["update"]["id"])
        by_rest = await handler.publish(mission, text)
        for update in (said["update"], live["update"], by_rest):
            assert update["body"] == text
        assert said["update"]["data"] == {text: text}
    kept = await handler.call("GET", f"/api/missions/{mission}")
    assert (kept["codename"], kept["objective"]) == (codename, text)


async def test_nul_is_refused(fort: HQServer, handler: RestClient) -> None:
    """F9: in every text of every way in."""
    mission = await handler.create_mission("Without NUL")
    async with await SocketClient.open(fort, handler.access, query="missions=none") as socket:
        for fields in ({"body": "a\0b"}, {"body": "b", "data": {"a": "\0"}}):
            draft = {"kind": "report", **fields}
            answer = await socket.ask("publish", mission=mission, **draft)
            assert answer["code"] == "invalid"
            with pytest.raises(Refused) as refused:
                await handler.call("POST", f"/api/missions/{mission}/updates", draft)
            assert refused.value.status == 400
    with pytest.raises(Refused) as refused:
        await handler.create_mission("nul\0")
    assert refused.value.status == 400
    assert await handler.log(mission) == []


def test_the_malformed_frames_are_what_they_say() -> None:
    """Those with a field are JSON."""
    for text, field in MALFORMED.values():
        if field and "NaN" not in text:
            json.loads(text)
