"""Whom and what the access log names, of HQ behind a proxy that it trusts."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
import websockets

from tests.attacks.attacker import rows
from tests.cast import HANDLER, PASSWORD
from tests.conftest import Serve
from tests.hq_server import SECRET_KEY, HQServer
from tests.patience import PATIENCE
from tests.serving.wire import Wire

CLIENT = "203.0.113.5"
BEHIND_PROXY = {
    "HQ_DEBUG": "0",
    "HQ_SECRET_KEY": SECRET_KEY,
    "HQ_PUBLIC_ORIGIN": "https://hq.example.org",
    "HQ_TRUSTED_PROXIES": "127.0.0.1/32",
}
FORWARDED = f"X-Forwarded-For: 198.51.100.9, {CLIENT}"


@pytest.fixture
def hq(serve: Serve) -> HQServer:
    """As in production."""
    return serve(settings=BEHIND_PROXY)


def lines(hq: HQServer) -> Iterator[dict[str, Any]]:
    """The access log."""
    for line in hq.log.read_text(encoding="utf-8").splitlines():
        if '"hq.access"' in line:
            yield json.loads(line)


def logged(hq: HQServer, event: str, path: str) -> list[dict[str, Any]]:
    """The lines of that event about that path, once there is one."""
    found: list[dict[str, Any]] = []

    def there() -> bool:
        found[:] = [one for one in lines(hq) if (one["event"], one["path"]) == (event, path)]
        return bool(found)

    hq.wait_until(there, within=PATIENCE)
    return found


def login(hq: HQServer) -> str:
    """An access token."""
    who = {"username": HANDLER.username, "password": PASSWORD, "transport": "body"}
    body = json.dumps(who).encode()
    head = ["Host: localhost", FORWARDED, "Content-Type: application/json"]
    with Wire(hq) as wire:
        length = f"Content-Length: {len(body)}"
        answer = wire.request("POST /api/auth/login HTTP/1.1", *head, length, body=body)
    return str(json.loads(answer.body)["access"])


def session_of(hq: HQServer) -> str:
    """The one session that there is."""
    ((session,),) = rows(hq, "SELECT id FROM agents_session")
    return f"{session[:8]}-{session[8:12]}-{session[12:16]}-{session[16:20]}-{session[20:]}"


def test_a_call_is_logged_with_its_client_and_session(hq: HQServer) -> None:
    """And the next call on the same connection, which came at the same time, with its own alone."""
    bearer = f"Authorization: Bearer {login(hq)}"
    known = f"GET /api/auth/me HTTP/1.1\r\nHost: localhost\r\n{FORWARDED}\r\n{bearer}\r\n\r\n"
    strange = f"GET /readyz HTTP/1.1\r\nHost: localhost\r\n{FORWARDED}\r\n\r\n"
    with Wire(hq) as wire:
        wire.send((known + strange).encode())
        (other,) = logged(hq, "answered", "/readyz")
    (me,) = logged(hq, "answered", "/api/auth/me")
    assert (me["client"], me["session"], me["status"]) == (CLIENT, session_of(hq), 200)
    assert other["client"] == CLIENT
    assert "session" not in other


async def test_a_socket_is_logged_with_its_client_connection_and_session(hq: HQServer) -> None:
    """When it closes; a refused one with its client."""
    token = login(hq)
    headers = {"X-Forwarded-For": CLIENT, "Authorization": f"Bearer {token}"}
    async with websockets.connect(hq.socket_url, additional_headers=headers) as socket:
        connection = json.loads(await socket.recv())["connection"]
    (closed,) = logged(hq, "socket closed", "/missions")
    assert (closed["client"], closed["session"]) == (CLIENT, session_of(hq))
    assert closed["connection"] == connection
    headers = {"X-Forwarded-For": CLIENT, "Authorization": "Bearer x"}
    with pytest.raises(websockets.InvalidStatus):
        await websockets.connect(hq.socket_url, additional_headers=headers)
    (refused,) = logged(hq, "socket refused", "/missions")
    assert (refused["client"], refused["status"]) == (CLIENT, 401)


def test_a_malformed_handshake_is_booked_under_its_client(hq: HQServer) -> None:
    """Not under the proxy's address, or one client would stand for all."""
    with Wire(hq) as wire:
        answer = wire.request(
            "GET /missions HTTP/1.1",
            *("Host: localhost", "Upgrade: websocket", "Connection: Upgrade", FORWARDED),
            *("Sec-WebSocket-Key: short", "Sec-WebSocket-Version: 13"),
        )
    assert answer.status == 400
    assert hq.stop() == 0
    found = rows(hq, "SELECT address FROM agents_auditevent WHERE event = 'input_validation_fail'")
    assert found == [(CLIENT,)]
