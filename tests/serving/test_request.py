"""What is decided on a request before the application sees it."""

import json

import pytest
import websockets

from tests.serving.process import ALLOWED_ORIGIN, Serving
from tests.serving.wire import Wire

REFUSED = {"code": "origin_refused", "message": "This origin may not connect."}


@pytest.mark.parametrize(
    "origin",
    [
        "https://evil.example",
        "null",
        "",
        "https://localhost:8000",
        "http://localhost:8001",
        "http://localhost",
        "http://localhost:8000/",
        "http://LOCALHOST:8000",
        "http://localhost:8000.evil.example",
        "http://evillocalhost:8000",
        "http://user@localhost:8000",
        "https://h:99999",
        "https://[::1",
        "http://localhost:8000, http://localhost:8000",
        "http://localhost:8000\xe9",
        "http://" + "x" * 8_192,
    ],
)
def test_a_foreign_or_malformed_origin_gets_403(server: Serving, origin: str) -> None:
    """Whoever would have choked on it: HQ's own check comes first."""
    with Wire(server) as wire:
        response = wire.handshake("/echo", f"Origin: {origin}")
        assert response.status == 403
        assert response.headers["content-type"] == "application/json"
        assert json.loads(response.body) == REFUSED


def test_two_origins_are_none(server: Serving) -> None:
    """Even if each alone would do."""
    with Wire(server) as wire:
        line = f"Origin: {ALLOWED_ORIGIN}"
        assert wire.handshake("/echo", line, line).status == 403


async def test_an_allowed_origin_and_none_at_all_may_connect(server: Serving) -> None:
    """A page of HQ's, and a program."""
    for origin in (ALLOWED_ORIGIN, None):
        async with websockets.connect(f"{server.socket_url}/echo", origin=origin) as socket:  # type: ignore[arg-type]
            await socket.send("hello")
            assert await socket.recv() == "hello"


def test_no_client_chooses_the_root_path_or_its_own_address(server: Serving) -> None:
    """Daphne would believe both headers."""
    with Wire(server) as wire:
        response = wire.request(
            "GET / HTTP/1.1",
            "Host: localhost",
            "Daphne-Root-Path: /evil",
            "X-Forwarded-For: 192.0.2.7",
        )
        seen = json.loads(response.body)
        assert (seen["root_path"], seen["client"]) == ("", "127.0.0.1")


def test_the_server_does_not_say_what_it_is(server: Serving) -> None:
    """Neither to requests nor to handshakes."""
    with Wire(server) as wire:
        assert "server" not in wire.request("GET / HTTP/1.1", "Host: localhost").headers
        assert "server" not in wire.handshake("/echo").headers


def test_a_sub_protocol_beyond_ascii_is_malformed(server: Serving) -> None:
    """Not an error of the server's."""
    with Wire(server) as wire:
        response = wire.handshake("/echo", "Sec-WebSocket-Protocol: caf\xe9")
        assert (response.status, json.loads(response.body)["code"]) == (400, "invalid")


@pytest.mark.parametrize("target", ["/caf\xe9", "/?q=caf\xe9"])
def test_a_target_beyond_ascii_is_malformed(server: Serving, target: str) -> None:
    """JSON, for a request and for a handshake."""
    for lines in ((f"GET {target} HTTP/1.1", "Host: localhost"),):
        with Wire(server) as wire:
            response = wire.request(*lines)
            assert (response.status, json.loads(response.body)["code"]) == (400, "invalid")
    with Wire(server) as wire:
        assert wire.handshake(target).status == 400
