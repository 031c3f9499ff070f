"""F4 to F6, F8, F9: good frames that ask for what they may not have, twice, or with odd text."""

import asyncio
import uuid
from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.attacks.attacker import Attacker
from tests.attacks.doors import Good
from tests.attacks.trail import Trail
from tests.cast import ANALYST, NOVICE, OPERATIVE
from tests.hq_server import HQServer
from tests.ledger import Frame
from tests.rest_client import Refused, RestClient
from tests.socket_client import SocketClient


@pytest.fixture
async def novice(attacker: Attacker) -> AsyncIterator[RestClient]:
    """Who is cleared for least, at the attacker's address."""
    async with await RestClient(attacker.server, attacker.address).login(NOVICE) as client:
        yield client


@pytest.fixture
async def handler(fort: HQServer, good: Good) -> AsyncIterator[RestClient]:
    """The handler, with the session of `good`."""
    async with RestClient(fort) as client:
        client.access = good.access
        client.agent = await client.call("GET", "/api/auth/me")
        yield client


async def test_what_is_hidden_answers_as_what_is_not(
    attacker: Attacker, novice: RestClient, director: RestClient, trail: Trail
) -> None:
    """F4: subscribe, publish, acknowledge; mission, update, and ids that are none."""
    mission = await director.create_mission("Hidden", classification="secret")
    update = await director.publish(mission, "nobody below secret reads this", requires_ack=True)
    async with await attacker.open(novice.access) as socket:
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
    for frame, tried in (("subscribe", 6), ("publish", 12), ("acknowledge", 6)):
        about = {"actor": novice.agent["id"], "attempts": tried}
        trail.owes("authz_fail", f"not_found {frame}", attacker.address, **about)
    assert [entry["update"]["id"] for entry in await director.log(mission)] == [update["id"]]


async def test_what_may_not_be_published(
    fort: HQServer, attacker: Attacker, handler: RestClient, trail: Trail
) -> None:
    """F5: above the own clearance, below the mission, an order by an operative, after the end."""
    async with await RestClient(fort, attacker.address).login(OPERATIVE) as operative:
        mission = await handler.create_mission("Ruled", classification="confidential")
        await handler.add(mission, operative)
        async with await attacker.open(operative.access, query="") as socket:
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
        for where in ("publish", "POST"):
            about = {"actor": operative.agent["id"], "attempts": 5}
            trail.owes("authz_fail", f"forbidden {where}", attacker.address, **about)
            about["attempts"] = 2
            trail.owes("input_validation_fail", f"invalid {where}", attacker.address, **about)
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


async def test_one_client_id_is_one_update(fort: HQServer, handler: RestClient) -> None:
    """F8: three times at the same instant, over two workers and over REST: the same answer."""
    mission = await handler.create_mission("Once")
    draft = {"kind": "report", "body": "said once, heard once", "client_id": "the same"}
    sockets = [
        await SocketClient.open(fort, handler.access, query="missions=none", worker=worker)
        for worker in fort.workers
    ]

    async def by_socket(socket: SocketClient) -> Frame:
        update: Frame = (await socket.ask("publish", mission=mission, **draft))["update"]
        return update

    async def by_rest() -> Frame:
        update: Frame = await handler.call("POST", f"/api/missions/{mission}/updates", draft)
        update.pop("client_id")
        return update

    ways = [*map(by_socket, sockets), by_rest(), *map(by_socket, sockets)]
    first, *others = await asyncio.gather(*ways)
    assert all(update == first for update in others)
    assert [entry["update"]["id"] for entry in await handler.log(mission)] == [first["id"]]
    other = await sockets[0].ask("publish", mission=mission, **{**draft, "body": "something else"})
    assert other["code"] == "conflict"
    for socket in sockets:
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


async def test_nul_is_refused(
    attacker: Attacker, handler: RestClient, good: Good, trail: Trail
) -> None:
    """F9: in every text of every way in."""
    mission = await handler.create_mission("Without NUL")
    async with (
        RestClient(attacker.server, attacker.address) as client,
        await attacker.open(good.access) as socket,
    ):
        client.access = good.access
        for fields in ({"body": "a\0b"}, {"body": "b", "data": {"a": "\0"}}):
            draft = {"kind": "report", **fields}
            answer = await socket.ask("publish", mission=mission, **draft)
            assert answer["code"] == "invalid"
            with pytest.raises(Refused) as refused:
                await client.call("POST", f"/api/missions/{mission}/updates", draft)
            assert refused.value.status == 400
        with pytest.raises(Refused) as refused:
            await client.create_mission("nul\0")
        assert refused.value.status == 400
    agent = handler.agent["id"]
    for where, tried in (("publish", 2), ("POST", 3)):
        about = {"actor": agent, "attempts": tried}
        trail.owes("input_validation_fail", f"invalid {where}", attacker.address, **about)
    assert await handler.log(mission) == []
