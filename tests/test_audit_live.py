"""The security log of a real server: what happened is in it, verified, and no secret is."""

import json
import socket
import sqlite3

import httpx
import pytest
import websockets

from tests.cast import HANDLER, OPERATIVE, PASSWORD, Member
from tests.conftest import Serve
from tests.hq_server import HQServer
from tests.patience import PATIENCE

FORGED = "eyJhbGciOiJFUzI1NiJ9.e30.AAAA"
BODY = "The courier arrives at dawn."
Row = tuple[str, str | None, str | None, dict[str, object]]


def rows(hq: HQServer) -> list[Row]:
    """Event, actor, address and details of every row."""
    with sqlite3.connect(hq.log.with_name("hq.sqlite3")) as database:
        found = database.execute(
            "SELECT event, actor, address, details FROM agents_auditevent ORDER BY number"
        ).fetchall()
    database.close()
    return [(event, actor, address, json.loads(said)) for event, actor, address, said in found]


def login(hq: HQServer, member: Member) -> str:
    """An access token."""
    who = {"username": member.username, "password": PASSWORD, "transport": "body"}
    url = f"{hq.url}/api/auth/login"
    return str(httpx.post(url, json=who, trust_env=False, timeout=PATIENCE).json()["access"])


def say_nonsense(hq: HQServer) -> bytes:
    """What the server answers to bytes that are no HTTP."""
    with socket.create_connection(("127.0.0.1", hq.port), timeout=10) as connection:
        connection.sendall(b"\x16\x03\x01 nonsense\r\n\r\n")
        return connection.recv(100)


async def refused(url: str, **options: object) -> int:
    """The status with which a handshake is refused."""
    with pytest.raises(websockets.InvalidStatus) as refusal:
        await websockets.connect(url, **options)  # type: ignore[arg-type]
    return refusal.value.response.status_code


async def test_everything_is_in_the_log_when_a_server_has_ended(serve: Serve) -> None:
    """Refusals before authentication are counted, connections begin and end, and all verifies."""
    hq = serve()
    token = login(hq, OPERATIVE)
    assert await refused(f"{hq.socket_url}?token={FORGED}") == 401
    assert await refused(f"{hq.socket_url}?token={FORGED}") == 401
    assert await refused(hq.socket_url, origin="https://evil.example") == 403
    assert await refused(hq.socket_url, additional_headers={"X-Long": "x" * 20_000}) == 431
    assert b" 400 " in say_nonsense(hq)
    async with websockets.connect(f"{hq.socket_url}?token={token}") as client:
        assert json.loads(await client.recv())["type"] == "welcome"
    mission = {"codename": "Lantern", "objective": BODY, "classification": "restricted"}
    headers = {"Authorization": f"Bearer {token}"}
    call = f"{hq.url}/api/missions"
    async with httpx.AsyncClient(trust_env=False, timeout=PATIENCE) as program:
        assert (await program.post(call, json=mission, headers=headers)).status_code == 403
        headers = {"Authorization": f"Bearer {login(hq, HANDLER)}"}
        assert (await program.post(call, json=mission, headers=headers)).status_code == 201
    assert hq.stop() == 0
    said = [(event, details.get("reason"), details.get("count")) for event, *_, details in rows(hq)]
    for row in (
        ("authn_login_success", None, None),
        ("session_created", None, None),
        ("authn_token_refused", "token_invalid", 2),
        ("origin_refused", "socket", 1),
        ("input_validation_fail", "http 431", 1),
        ("input_validation_fail", "http 400", 1),
        ("ws_connect", None, None),
        ("ws_close", None, None),
        ("authz_fail", "forbidden POST /api/missions", 1),
        ("mission_created", None, None),
    ):
        assert row in said
    about = [row for row in rows(hq) if row[0] in ("ws_connect", "ws_close", "authz_fail")]
    assert len({actor for _, actor, *_ in about}) == 1
    assert {address for _, _, address, _ in rows(hq)} <= {"127.0.0.1", None}
    for secret in ("eyJ", PASSWORD, BODY):
        assert secret not in str(rows(hq))
    assert "The audit log is whole" in hq.manage("verify_audit")
    assert (hq.log.with_name("audit") / "checkpoints.jsonl").read_text().count('"kid"') >= 1


async def test_connections_are_in_the_log_within_a_moment(serve: Serve) -> None:
    """Without anybody waiting for the end of the process."""
    hq = serve()
    async with websockets.connect(f"{hq.socket_url}?token={login(hq, HANDLER)}") as client:
        await client.recv()
        hq.wait_until(lambda: "ws_connect" in [row[0] for row in rows(hq)], within=PATIENCE)
