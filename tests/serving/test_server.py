"""The end of a worker: everybody is told, what runs may finish, and the exit status is 0."""

import asyncio
import json
import signal
import time

import httpx
import psutil
import pytest
import websockets

from tests.patience import PATIENCE
from tests.serving.conftest import Start
from tests.serving.wire import Wire, handshake

DRAINED = 15.0
"""Seconds in which five that were waited for are over, on a busy machine too."""

GROWTH_MOST = 1024 * 1024
"""Bytes that a thousand connections may add; a socket that is left behind keeps 50 KB."""


async def test_every_socket_is_told_to_come_back(start: Start) -> None:
    """1012 with a reason, also to one whose handshake was a moment ago."""
    server = start()
    sockets = [await websockets.connect(f"{server.socket_url}/echo") for _ in range(50)]
    begun = time.monotonic()
    server.signal(signal.SIGTERM)
    for socket in sockets:
        with pytest.raises(websockets.ConnectionClosed) as closed:
            await socket.recv()
        assert closed.value.rcvd is not None
        assert (closed.value.rcvd.code, closed.value.rcvd.reason) == (1012, "The server restarts.")
    assert await asyncio.to_thread(server.wait, within=PATIENCE) == 0
    assert time.monotonic() - begun < 4.5  # it did not come to the five seconds
    assert server.said.count("ended 1012 /echo") == 50
    assert "Traceback" not in server.said


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_an_idle_server_ends_at_once(start: Start, number: signal.Signals) -> None:
    """An open keep-alive connection does not hold it up."""
    server = start()
    with Wire(server) as wire:
        assert wire.request("GET / HTTP/1.1", "Host: localhost").status == 200
        server.signal(number)
        assert server.wait(within=4.5) == 0
    assert "Traceback" not in server.said


def test_a_handshake_under_way_is_answered(start: Start) -> None:
    """503 with a hint to come back, rather than a connection that breaks."""
    server = start()
    with Wire(server) as wire:
        wire.send("\r\n".join((*handshake("/silent"), "", "")).encode())
        server.wait_for("begun /silent")
        server.signal(signal.SIGTERM)
        response = wire.response()
        assert (response.status, response.headers["retry-after"]) == (503, "1")
        assert json.loads(response.body)["code"] == "unavailable"
        assert server.wait(within=PATIENCE) == 0
    assert "Traceback" not in server.said


def test_a_request_under_way_is_finished(start: Start) -> None:
    """It gets its answer; a connection that comes after the signal does not get in."""
    server = start()
    with Wire(server) as wire:
        wire.send(b"GET /slow?1 HTTP/1.1\r\nHost: localhost\r\n\r\n")
        server.wait_for("begun /slow")
        server.signal(signal.SIGTERM)
        assert wire.response().status == 200
    assert server.wait(within=PATIENCE) == 0
    with pytest.raises(httpx.ConnectError):
        httpx.get(server.url, trust_env=False, timeout=PATIENCE)


def test_an_application_that_does_not_end_is_cancelled(start: Start) -> None:
    """After five seconds, and the exit is still orderly."""
    server = start()
    with Wire(server) as wire:
        assert wire.handshake("/stubborn").status == 101
        begun = time.monotonic()
        server.signal(signal.SIGTERM)
        assert server.wait(within=DRAINED) == 0
        assert time.monotonic() - begun > 4
    assert "cancelled /stubborn" in server.said


def test_a_client_that_does_not_answer_the_close_does_not_hold_the_end_up(start: Start) -> None:
    """Its connection is given up after the same five seconds."""
    server = start()
    with Wire(server) as wire:
        assert wire.handshake("/echo").status == 101
        server.signal(signal.SIGTERM)
        assert wire.close_code() == 1012
        assert server.wait(within=DRAINED) == 0


def test_a_thousand_connections_leave_nothing_behind(start: Start) -> None:
    """Descriptors and memory of the worker are what they were.

    Memory settles in the first thousands; what is left behind grows with every one.
    """
    server = start()
    worker = psutil.Process(server.worker_pids[0])

    def held_after(thousands: int) -> int:
        for _ in range(1_000):
            with Wire(server) as wire:
                assert wire.handshake("/echo").status == 101
        ended = 1_000 * thousands
        server.wait_until(lambda: server.said.count("ended 1006 /echo") == ended, within=PATIENCE)
        server.wait_until(lambda: len(worker.net_connections("tcp")) == 1, within=PATIENCE)
        return int(worker.memory_full_info().uss)

    held, growths = held_after(1), [GROWTH_MOST]
    while min(growths) >= GROWTH_MOST and len(growths) < 6:
        before, held = held, held_after(len(growths) + 1)
        growths.append(held - before)
    assert min(growths) < GROWTH_MOST, growths


async def test_requests_run_on_uvloop(start: Start) -> None:
    """The faster loop is the one that daphne's reactor runs on."""
    server = start()
    async with httpx.AsyncClient(trust_env=False, timeout=PATIENCE) as client:
        assert (await client.get(server.url)).json()["loop"] == "uvloop"
