"""HTTP connections: the limits of heads and bodies, and of time."""

import pytest

from tests.serving.process import Serving
from tests.serving.wire import Wire, handshake


def test_a_head_that_trickles_in_is_closed_within_ten_seconds(server: Serving) -> None:
    """A byte now and then earns no more time."""
    with Wire(server) as wire:
        wire.socket.settimeout(1)
        seconds = 0
        try:
            while seconds < 12:
                wire.socket.sendall(b"G"[:1] if seconds == 0 else b"E")
                try:
                    if not wire.socket.recv(1):
                        break
                except TimeoutError:
                    seconds += 1
        except ConnectionError:
            pass
        assert 5 <= seconds < 10


def test_a_later_head_on_the_same_connection_has_its_own_time(server: Serving) -> None:
    """Between requests a connection may rest; a head once begun may not."""
    with Wire(server) as wire:
        for path in ("/first", "/second"):
            response = wire.request(f"GET {path} HTTP/1.1", "Host: localhost")
            assert response.status == 200
            assert path.encode() in response.body
        wire.send(b"GET / HT")
        assert 5 <= wire.seconds_until_closed() < 10


def test_pipelined_requests_are_answered_in_order(server: Serving) -> None:
    """Two heads in one packet are two requests."""
    with Wire(server) as wire:
        head = "GET /{} HTTP/1.1\r\nHost: localhost\r\n\r\n"
        wire.send((head.format("one") + head.format("two")).encode())
        assert b'"/one"' in wire.response().body
        assert b'"/two"' in wire.response().body


@pytest.mark.parametrize("size", [17_000, 1_000_000])
@pytest.mark.parametrize("lines", [1, 20])
@pytest.mark.parametrize("path", ["/", "/echo"])
def test_a_head_over_16_kib_gets_431(server: Serving, path: str, lines: int, size: int) -> None:
    """In one line or in many, for a request or a handshake: and the answer arrives."""
    first = handshake(path) if path == "/echo" else ("GET / HTTP/1.1", "Host: localhost")
    more = [f"X-{number}: {'x' * (size // lines)}" for number in range(lines)]
    with Wire(server) as wire:
        response = wire.request(*first, *more)
        assert (response.status, response.headers["content-type"]) == (431, "application/json")
        assert response.body == (
            b'{"code":"too_large","message":"The request head is over 16 KiB."}'
        )
        assert wire.seconds_until_closed() < 5


def test_a_request_target_over_16_kib_gets_431(server: Serving) -> None:
    """A token of any size in the query is part of the head."""
    with Wire(server) as wire:
        assert wire.handshake(f"/echo?token={'x' * 64_000}").status == 431


def test_a_head_just_under_16_kib_is_served(server: Serving) -> None:
    """The limit is where it is said to be."""
    with Wire(server) as wire:
        response = wire.request("GET / HTTP/1.1", "Host: localhost", f"X: {'x' * 16_000}")
        assert response.status == 200


def test_a_body_over_the_limit_gets_413(server: Serving) -> None:
    """By its announced length at once, else when it has come."""
    with Wire(server) as wire:
        response = wire.request("POST / HTTP/1.1", "Host: localhost", "Content-Length: 3000000")
        assert response.status == 413
        assert b'"too_large"' in response.body
    with Wire(server) as wire:
        chunk = b"10000\r\n" + b"x" * 0x10000 + b"\r\n"
        response = wire.request(
            "POST / HTTP/1.1", "Host: localhost", "Transfer-Encoding: chunked", body=chunk * 40
        )
        assert response.status == 413


def test_a_body_within_the_limit_reaches_the_application(server: Serving) -> None:
    """A megabyte, whole."""
    with Wire(server) as wire:
        response = wire.request(
            "POST / HTTP/1.1", "Host: localhost", "Content-Length: 1000000", body=b"x" * 1_000_000
        )
        assert b'"length": 1000000' in response.body


@pytest.mark.parametrize(
    "line", ["no header", "Content-Length: many", "Bad Name: x", "Nul: a\0b", "Content-Length: -1"]
)
def test_what_is_no_http_gets_400(server: Serving, line: str) -> None:
    """JSON, never a page."""
    with Wire(server) as wire:
        response = wire.request("GET / HTTP/1.1", "Host: localhost", line)
        assert response.status == 400
        assert b'"code":"invalid"' in response.body
