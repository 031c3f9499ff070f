"""How a handshake is answered."""

import json

import pytest
import websockets

from tests.serving.process import Serving
from tests.serving.wire import KEY, Wire


@pytest.mark.parametrize("status", [401, 403, 404, 429, 503])
async def test_a_denial_is_answered_as_the_application_wrote_it(
    server: Serving, status: int
) -> None:
    """Status, headers and a body in parts; then the application hears that it is over."""
    with pytest.raises(websockets.InvalidStatus) as refused:
        await websockets.connect(f"{server.socket_url}/deny?status={status}")
    response = refused.value.response
    assert response.status_code == status
    assert response.headers["WWW-Authenticate"] == 'Bearer error="invalid_token"'
    assert response.headers["Content-Type"] == "application/json"
    assert json.loads(response.body or b"") == {"code": "token_invalid"}
    server.wait_for("ended 1006 /deny")


async def test_a_close_before_the_accept_is_a_403(server: Serving) -> None:
    """As ASGI says, with a body that says so."""
    with pytest.raises(websockets.InvalidStatus) as refused:
        await websockets.connect(f"{server.socket_url}/reject")
    assert refused.value.response.status_code == 403
    assert json.loads(refused.value.response.body or b"")["code"] == "forbidden"


@pytest.mark.parametrize("path", ["fail_early", "wrong_subprotocol", "no_such_part"])
async def test_an_application_that_fails_is_a_503(server: Serving, path: str) -> None:
    """At once, and the server goes on."""
    with pytest.raises(websockets.InvalidStatus) as refused:
        await websockets.connect(f"{server.socket_url}/{path}")
    assert refused.value.response.status_code == 503
    assert json.loads(refused.value.response.body or b"")["code"] == "unavailable"
    async with websockets.connect(f"{server.socket_url}/echo") as socket:
        await socket.send("still here")
        assert await socket.recv() == "still here"


def test_a_handshake_that_nobody_answers_is_a_503_within_ten_seconds(server: Serving) -> None:
    """The client is not left to wait, and the application hears of it."""
    with Wire(server) as wire:
        response = wire.handshake("/silent?slow")
        assert response.status == 503
    server.wait_for("ended 1006 /silent")


@pytest.mark.parametrize(
    ("changed", "to", "status"),
    [
        ("Sec-WebSocket-Version", "13, 14", 400),
        ("Sec-WebSocket-Version", "99", 400),
        ("Sec-WebSocket-Version", "x", 400),
        ("Sec-WebSocket-Key", "short", 400),
        ("Connection", "keep-alive", 400),
        ("Host", "localhost:port", 400),
        ("Sec-WebSocket-Protocol", "twice, twice", 400),
        ("Sec-WebSocket-Extensions", "permessage-deflate; x=<script>", 101),
        ("Sec-WebSocket-Extensions", "x; y; z, ;;", 101),
    ],
)
def test_a_malformed_handshake_gets_json_without_its_own_words(
    server: Serving, changed: str, to: str, status: int
) -> None:
    """Autobahn would repeat what the client sent in the status line."""
    lines = {
        "Host": "localhost",
        "Upgrade": "websocket",
        "Connection": "Upgrade",
        "Sec-WebSocket-Key": KEY,
        "Sec-WebSocket-Version": "13",
    } | {changed: to}
    with Wire(server) as wire:
        response = wire.request(
            "GET /echo HTTP/1.1", *(f"{name}: {value}" for name, value in lines.items())
        )
        assert response.status == status
        if status == 400:
            assert response.headers["content-type"] == "application/json"
            assert json.loads(response.body)["code"] == "invalid"
            assert to not in repr(response)


def test_an_unknown_version_is_told_which_is_known(server: Serving) -> None:
    """RFC 6455, section 4.4."""
    with Wire(server) as wire:
        response = wire.request(
            "GET /echo HTTP/1.1",
            "Host: localhost",
            "Upgrade: websocket",
            "Connection: Upgrade",
            f"Sec-WebSocket-Key: {KEY}",
            "Sec-WebSocket-Version: 99",
        )
        assert "13" in response.headers["sec-websocket-version"]


@pytest.mark.parametrize("method", ["POST", "DELETE"])
def test_only_get_upgrades(server: Serving, method: str) -> None:
    """Another method is refused with 405."""
    with Wire(server) as wire:
        response = wire.request(
            f"{method} /echo HTTP/1.1",
            "Host: localhost",
            "Upgrade: websocket",
            "Connection: Upgrade",
            f"Sec-WebSocket-Key: {KEY}",
            "Sec-WebSocket-Version: 13",
        )
        assert response.status == 405


async def test_compression_is_never_agreed_on(server: Serving) -> None:
    """However it is offered."""
    async with websockets.connect(f"{server.socket_url}/echo", compression="deflate") as socket:
        assert socket.response is not None
        assert "Sec-WebSocket-Extensions" not in socket.response.headers


async def test_the_sub_protocol_is_the_applications_choice(server: Serving) -> None:
    """It is echoed; without a choice none is."""
    offers = [websockets.Subprotocol("hq.v1"), websockets.Subprotocol("bearer.x")]
    async with websockets.connect(f"{server.socket_url}/echo", subprotocols=offers) as socket:
        assert socket.subprotocol == "hq.v1"
    async with websockets.connect(f"{server.socket_url}/pid", subprotocols=offers) as socket:
        assert socket.subprotocol is None


@pytest.mark.parametrize(
    ("path", "line"), [("/echo", "Bad Name: x"), ("/\xff", "X: y"), ("/echo?\xff", "X: y")]
)
def test_a_handshake_that_daphne_answers_itself_leaves_no_traceback(
    server: Serving, path: str, line: str
) -> None:
    """Such a request is over before the upgrade that it asked for."""
    before = server.said.count("Traceback")
    with Wire(server) as wire:
        assert wire.handshake(path, line).status == 400
    with Wire(server) as wire:
        assert wire.handshake("/echo").status == 101
    assert server.said.count("Traceback") == before
