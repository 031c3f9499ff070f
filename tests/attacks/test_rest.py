"""R1, R2, R6: bodies and ids that no honest client sends."""

import uuid
from collections import Counter
from typing import Any

import httpx
import pytest

from tests.attacks.attacker import Attacker
from tests.attacks.doors import Good
from tests.attacks.enlist import VICTIMS
from tests.attacks.trail import Trail
from tests.cast import HANDLER, NOVICE, PASSWORD, Member
from tests.hq_server import HQServer
from tests.ledger import Frame
from tests.rest_client import Refused, RestClient

PRIVILEGES: dict[str, Any] = {
    "role": "director",
    "clearance": "top-secret",
    "is_staff": True,
    "is_superuser": True,
    "id": str(uuid.uuid4()),
    "created_by": str(uuid.uuid4()),
    "author": {"codename": "Meridian", "role": "director"},
    "created_at": "2020-01-01T00:00:00.000Z",
    "seq": 1,
    "__class__": "x",
    "constructor": {"prototype": {}},
}
BODIES: list[tuple[str, str, Frame]] = [
    ("POST", "/api/auth/login", {"username": HANDLER.username, "password": PASSWORD}),
    ("POST", "/api/auth/refresh", {"refresh": "x"}),
    ("POST", "/api/auth/logout", {}),
    ("POST", "/api/auth/ticket", {}),
    ("POST", "/api/auth/password", {"current_password": "x", "new_password": "y"}),
    ("POST", "/api/auth/otp/enrol", {"password": "x"}),
    ("POST", "/api/auth/otp/confirm", {"otp": "000000"}),
    ("DELETE", "/api/auth/otp", {"password": "x", "otp": "000000"}),
    ("DELETE", "/api/auth/sessions", {}),
    ("POST", "/api/missions", {"codename": "c", "objective": "", "classification": "restricted"}),
    ("PATCH", "/api/missions/{mission}", {"codename": "changed"}),
    ("POST", "/api/missions/{mission}/members", {"agent": "{mission}"}),
    ("POST", "/api/missions/{mission}/updates", {"kind": "report", "body": "b"}),
    ("PATCH", "/api/updates/{update}", {"roles": []}),
    ("DELETE", "/api/updates/{update}", {}),
    ("POST", "/api/updates/{update}/acknowledge", {}),
]


@pytest.mark.parametrize(("method", "path", "body"), BODIES, ids=lambda said: str(said)[:40])
async def test_nobody_gives_himself_anything(
    method: str, path: str, body: Frame, attacker: Attacker, good: Good, trail: Trail
) -> None:
    """R1: a field that is not the caller's to set is 400, and nothing changed."""
    async with RestClient(attacker.server, attacker.address) as client:
        client.access = good.access
        before = await client.call("GET", "/api/auth/me")
        mission = await client.create_mission("Greed")
        update = await client.publish(mission, "the only entry of this log")
        ids = {"mission": mission, "update": update["id"]}
        kept = await client.call("GET", f"/api/missions/{mission}")
        log = await client.log(mission)
        for name, value in PRIVILEGES.items():
            said = {
                field: text.format(**ids) if isinstance(text, str) else text
                for field, text in body.items()
            }
            with pytest.raises(Refused) as refused:
                await client.call(method, path.format(**ids), {**said, name: value})
            answer = (refused.value.status, refused.value.code, refused.value.body.get("field"))
            assert answer == (400, "invalid", name)
        assert await client.call("GET", "/api/auth/me") == before
        assert await client.call("GET", f"/api/missions/{mission}") == kept
        assert await client.log(mission) == log
    reason = f"invalid {method}"
    tried = len(PRIVILEGES)
    trail.owes("input_validation_fail", reason, attacker.address, attempts=tried)


HIDDEN: list[tuple[str, str, Frame | None]] = [
    ("GET", "/api/missions/{mission}", None),
    ("PATCH", "/api/missions/{mission}", {"codename": "Taken"}),
    ("GET", "/api/missions/{mission}/members", None),
    ("POST", "/api/missions/{mission}/members", {"agent": "{self}"}),
    ("DELETE", "/api/missions/{mission}/members/{other}", None),
    ("GET", "/api/missions/{mission}/updates", None),
    ("GET", "/api/missions/{mission}/updates?author=me", None),
    ("GET", "/api/missions/{mission}/updates?awaiting=me", None),
    ("GET", "/api/missions/{mission}/updates?awaiting=others", None),
    ("GET", "/api/missions/{mission}/updates?after={update}&epoch={mission}", None),
    ("POST", "/api/missions/{mission}/updates", {"kind": "report", "body": "b"}),
    ("POST", "/api/missions/{mission}/updates", {"kind": "order", "body": "b"}),
    ("GET", "/api/updates/{update}", None),
    ("PATCH", "/api/updates/{update}", {"roles": []}),
    ("DELETE", "/api/updates/{update}", None),
    ("POST", "/api/updates/{update}/acknowledge", None),
    ("GET", "/api/updates/{update}/receipts", None),
]


@pytest.mark.parametrize("who", [NOVICE, HANDLER], ids=["operative", "handler"])
async def test_what_is_hidden_is_not_there(
    who: Member, attacker: Attacker, director: RestClient, trail: Trail
) -> None:
    """R2: on every path the same answer as what does not exist, and in no list."""
    mission = await director.create_mission("Unseen", classification="top-secret")
    update = await director.publish(mission, "top secret and unseen", requires_ack=True)
    async with await RestClient(attacker.server, attacker.address).login(who) as client:
        known = {"self": client.agent["id"], "other": director.agent["id"]}
        for method, path, body in HIDDEN:
            answers = set()
            for ids in (
                {"mission": mission, "update": update["id"]},
                {"mission": str(uuid.uuid4()), "update": str(uuid.uuid4())},
                {"mission": "x", "update": "x"},
            ):
                said = body and {
                    name: text.format(**ids, **known) if isinstance(text, str) else text
                    for name, text in body.items()
                }
                with pytest.raises(Refused) as refused:
                    await client.call(method, path.format(**ids, **known), said)
                answers.add((refused.value.status, str(refused.value.body)))
            assert len(answers) == 1, (method, path, answers)
            assert {status for status, _ in answers} == {404}, (method, path)
        listed = await client.call("GET", "/api/missions")
        assert mission not in [one["id"] for one in listed]
        for method, tried in Counter(method for method, *_ in HIDDEN).items():
            about = {"actor": client.agent["id"], "attempts": 3 * tried}
            trail.owes("authz_fail", f"not_found {method}", attacker.address, **about)
    assert len(await director.log(mission)) == 1


async def test_pages_and_counts_know_nothing_of_the_hidden(
    attacker: Attacker, director: RestClient, trail: Trail
) -> None:
    """R2: numbers are dense, a cursor into the hidden is a cursor into nothing."""
    async with await RestClient(attacker.server, attacker.address).login(NOVICE) as novice:
        mission = await director.create_mission("Mixed")
        await director.add(mission, novice)
        hidden = []
        for turn in range(6):
            await director.publish(mission, f"for all, {turn}")
            secret = await director.publish(mission, f"hidden, {turn}", classification="secret")
            hidden.append(secret["id"])
        page = await novice.page(mission, limit=200)
        assert [entry["seq"] for entry in page["updates"]] == [1, 2, 3, 4, 5, 6]
        assert page["seq"] == 6
        epoch = page["epoch"]
        for one in (hidden[2], str(uuid.uuid4())):
            after = await novice.page(mission, after=one, epoch=epoch)
            assert (after["recovered"], after["seq"]) == (False, 6)
            with pytest.raises(Refused) as refused:
                await novice.page(mission, before=one, epoch=epoch)
            assert (refused.value.status, refused.value.code) == (409, "reset")
        with pytest.raises(Refused) as refused:
            await novice.call("GET", "/api/agents", search="meridian")
        assert refused.value.status == 403
        agent = novice.agent["id"]
    trail.owes("authz_fail", "forbidden GET /api/agents", attacker.address, actor=agent, attempts=1)


async def test_nobody_s_clearance_is_shown(director: RestClient) -> None:
    """R2's family: others are a codename and a role, and for staffing an id."""
    mission = await director.create_mission("Shown")
    update = await director.publish(mission, "by somebody")
    members = await director.call("GET", f"/api/missions/{mission}/members")
    agents = await director.call("GET", "/api/agents")
    assert {name for one in [*members, *agents] for name in one} == {"id", "codename", "role"}
    assert update["author"].keys() == {"codename", "role"}


@pytest.mark.parametrize("size", [1_025, 100_000, 1_000_000])
async def test_a_huge_password_is_refused(
    size: int, attacker: Attacker, good: Good, trail: Trail
) -> None:
    """R6: 400 before it is hashed."""
    huge = "x" * size
    who = {"username": HANDLER.username, "password": huge}
    answer = await attacker.http.post("/api/auth/login", json=who)
    assert (answer.status_code, answer.json()["code"], answer.json()["field"]) == (
        400,
        "invalid",
        "password",
    )
    headers = {"Authorization": f"Bearer {good.access}"}
    for said in (
        {"current_password": huge, "new_password": "y" * 20},
        {"current_password": PASSWORD, "new_password": huge},
    ):
        outcome = await attacker.call("POST", "/api/auth/password", json=said, headers=headers)
        assert (outcome.status, outcome.code) == (400, "invalid")
    who["password"] = PASSWORD
    assert (await attacker.call("POST", "/api/auth/login", json=who)).admitted
    trail.owes("input_validation_fail", "invalid POST", attacker.address, attempts=3)
    assert not trail.rows(event="authn_login_fail", address=attacker.address)


EXACT = " " + "A\u00e9\u2603\U0001d11e " * 204 + "A\u00e9 "
COMPOSED = ["lettersinlowercase", "827364519283746", "\u2603" * 12, EXACT]
"""Letters alone, digits alone, one sign twelve times; the longest."""


async def test_a_password_is_taken_as_it_is(fort: HQServer, attacker: Attacker) -> None:
    """R6's other side: of any signs, up to 1,024 of them, none cut off, trimmed or changed."""
    assert len(EXACT) == 1_024
    username, known = VICTIMS["x"].username, PASSWORD
    async with await RestClient(fort).login(VICTIMS["x"]) as client:
        for wanted in COMPOSED:
            said = {"current_password": known, "new_password": wanted}
            await client.call("POST", "/api/auth/password", said)
            known = wanted
    for other in (EXACT.strip(), EXACT[:-1], EXACT.lower(), EXACT[:72], f"{EXACT[:-2]}e "):
        who = {"username": username, "password": other, "transport": "body"}
        outcome = await attacker.call("POST", "/api/auth/login", json=who)
        assert (outcome.status, outcome.code) == (401, "invalid_credentials")
    async with await RestClient(fort).login(VICTIMS["x"], EXACT) as client:
        assert await client.call("GET", "/api/auth/me")


BROKEN: dict[str, bytes] = {
    "not JSON": b"{",
    "not UTF-8": b'{"username":"\xff"}',
    "a byte order mark": b"\xef\xbb\xbf{}",
    "UTF-16": '{"username":"x"}'.encode("utf-16"),
    "NaN": b'{"username":NaN}',
    "a name twice": b'{"username":"a","username":"b","password":"c"}',
    "half a character": b'{"username":"\\ud800","password":"x"}',
    "NUL": b'{"username":"\\u0000","password":"x"}',
    "nested": b"[" * 100_000,
    "an array": b"[]",
    "null": b"null",
    "a number of 5,000 digits": b'{"username":' + b"1" * 5_000 + b"}",
    "1e999": b'{"username":1e999}',
}


@pytest.mark.parametrize("name", BROKEN)
async def test_a_broken_body_is_invalid(name: str, attacker: Attacker, trail: Trail) -> None:
    """R6's family: 400 without a traceback, at the door that needs no credential."""
    headers = {"Content-Type": "application/json"}
    for path in ("/api/auth/login", "/api/auth/refresh", "/api/auth/logout"):
        outcome = await attacker.call("POST", path, content=BROKEN[name], headers=headers)
        assert (outcome.status, outcome.code) == (400, "invalid")
    trail.owes("input_validation_fail", "invalid POST", attacker.address, attempts=3)


@pytest.mark.parametrize("value", ["text/\r x", "\x00", "x" * 9_000, ";;;===", "a/b; c=\xff"])
async def test_an_odd_content_type_gets_an_answer(
    value: str, attacker: Attacker, trail: Trail
) -> None:
    """R5's family: nobody but HQ reads it, and HQ refuses it."""
    with attacker.wire() as wire:
        response = wire.request(
            "POST /api/auth/login HTTP/1.1",
            "Host: localhost",
            f"Content-Type: {value}",
            "Content-Length: 2",
            body=b"{}",
        )
    reason = {400: "http 400", 415: "unsupported_media_type POST"}[response.status]
    trail.owes("input_validation_fail", reason, attacker.address, attempts=1)


async def test_a_method_that_is_none_harms_nobody(attacker: Attacker) -> None:
    """R's family: odd verbs and smuggling headers get an answer below 500."""
    for method in ("TRACE", "CONNECT", "PROPFIND", "get", "X" * 200):
        answer = await attacker.http.request(method, "/api/auth/me")
        assert answer.status_code < 500
    smuggled = {"Transfer-Encoding": "chunked", "Content-Length": "5"}
    try:
        answer = await attacker.http.post("/api/auth/login", headers=smuggled, content=b"0\r\n\r\n")
    except httpx.HTTPError:
        return
    assert answer.status_code in (400, 415)
