"""R8: staff without a second factor, in production: nothing by REST, nothing by a socket."""

from typing import Any

import pytest

from tests.attacks.attacker import Attacker, Outcome
from tests.attacks.authenticator import totp
from tests.attacks.enlist import RECRUIT, STAFF
from tests.attacks.trail import Trail
from tests.cast import HANDLER, PASSWORD
from tests.hq_server import HQServer
from tests.rest_client import Refused, RestClient
from tests.socket_client import SocketClient

MISSION = {"codename": "Back Door", "objective": "", "classification": "restricted"}
BARRED = Outcome(False, 403, "forbidden")
SHUT = Outcome(False, 4001, "forbidden")
CLOSED = [
    ("POST", "/api/auth/ticket", None),
    ("GET", "/api/missions", None),
    ("POST", "/api/missions", MISSION),
    ("GET", "/api/agents", None),
    ("GET", "/api/updates/00000000-0000-4000-8000-000000000000", None),
]


async def enrol(client: RestClient) -> str:
    """Sets a second factor; its secret."""
    begun = await client.call("POST", "/api/auth/otp/enrol", {"password": PASSWORD})
    picture = await client.http.post(
        "/api/auth/otp/picture",
        json={"uri": begun["uri"]},
        headers={"Authorization": f"Bearer {client.access}"},
    )
    assert picture.status_code == 200
    await client.call("POST", "/api/auth/otp/confirm", {"otp": totp(begun["secret"])})
    return str(begun["secret"])


async def handshakes(somebody: Attacker, token: str) -> list[Outcome]:
    """As a program, as a browser, and by a first message."""
    server = somebody.server
    as_program = await somebody.attempt(token=token)
    as_browser = await somebody.attempt(query=f"token={token}", origin=server.origin)
    async with await somebody.open(subprotocols=["hq.v1"]) as socket:
        await socket.send({"type": "authenticate", "token": token})
        first = await socket.next()
        closed, reason = await socket.closed()
    assert reason == "Unauthorized: Invalid Token" or first["type"] == "welcome"
    return [as_program, as_browser, Outcome(first["type"] == "welcome", closed, first["code"])]


async def test_staff_without_a_second_factor_have_no_room(
    gate: HQServer, besieger: Attacker, gate_trail: Trail
) -> None:
    """R8: such a login is good for what sets one, and for nothing else at any door."""
    async with RestClient(gate) as client:
        await client.login(STAFF)
        for method, path, body in CLOSED:
            with pytest.raises(Refused) as refused:
                await client.call(method, path, body)
            assert (refused.value.status, refused.value.code) == (403, "forbidden"), path
            assert "second factor" in refused.value.body["message"]
        assert await handshakes(besieger, client.access) == [BARRED, SHUT, SHUT]
        assert (await client.call("GET", "/api/auth/me"))["username"] == STAFF.username
        assert await client.call("GET", "/api/auth/sessions")
        assert not (await client.call("GET", "/api/auth/otp"))["enrolled"]
        await client.refresh()
        await client.call("POST", "/api/auth/logout")
    reason = "forbidden POST /api/missions"
    assert (await gate_trail.expect("authz_fail", reason=reason)).actor
    await gate_trail.expect("authz_fail", reason="forbidden socket")


async def test_a_second_factor_opens_the_room_and_its_removal_closes_it(gate: HQServer) -> None:
    """R8: at once for the session that set it; removed, its own open socket ends."""
    async with RestClient(gate) as client, await RestClient(gate).login(HANDLER) as bystander:
        await client.login(RECRUIT)
        secret = await enrol(client)
        assert (await client.call("POST", "/api/missions", MISSION))["id"]
        async with (
            await SocketClient.open(gate, client.access) as socket,
            await SocketClient.open(gate, bystander.access) as other,
        ):
            await socket.expect("welcome")
            await other.expect("welcome")
            gone: dict[str, Any] = {"password": PASSWORD, "otp": totp(secret, ahead=1)}
            await client.call("DELETE", "/api/auth/otp", gone)
            assert (await socket.closed())[0] == 4001
            assert (await other.ask("ping"))["type"] == "pong"
        with pytest.raises(Refused) as refused:
            await client.call("GET", "/api/missions")
        assert refused.value.code == "forbidden"
        # A token that an operator made at a shell is exempt: a program holds no authenticator.
        client.access = gate.manage("issue_token", RECRUIT.username).strip()
        assert await client.call("GET", "/api/missions")
        async with await SocketClient.open(gate, client.access) as socket:
            await socket.expect("welcome")
