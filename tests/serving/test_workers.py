"""The parent of the workers: how they share, end, come back and are given up."""

import asyncio
import os
import signal
import socket
import time

import httpx
import psutil
import pytest
import websockets

from hq_project.serving.workers import CannotListen, listen
from tests.patience import PATIENCE
from tests.redis_server import RedisServer
from tests.serving.conftest import Start
from tests.serving.process import Serving
from tests.serving.wire import Wire


def two_workers(start: Start, redis_server: RedisServer) -> Serving:
    """A server with two workers, both running."""
    server = start("--workers", "2", settings={"REDIS_URL": redis_server.url})
    server.wait_until(lambda: len(server.worker_pids) == 2, within=PATIENCE)
    return server


async def served_by(server: Serving, want: set[int]) -> dict[int, websockets.ClientConnection]:
    """An open socket on each of these processes."""
    found: dict[int, websockets.ClientConnection] = {}
    for _ in range(2_000):
        connection = await websockets.connect(f"{server.socket_url}/pid")
        pid = int(await connection.recv())
        if pid in found:
            await connection.close()
        else:
            found[pid] = connection
        if want <= found.keys():
            return found
    raise AssertionError(f"only {found.keys()} of {want} served")


async def test_all_workers_serve_the_one_port_and_all_are_drained(
    start: Start, redis_server: RedisServer
) -> None:
    """Sockets of both are told; the parent ends with 0."""
    server = two_workers(start, redis_server)
    sockets = await served_by(server, {*server.worker_pids})
    server.signal(signal.SIGTERM)
    for connection in sockets.values():
        with pytest.raises(websockets.ConnectionClosed) as closed:
            await connection.recv()
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1012
    assert await asyncio.to_thread(server.wait, within=PATIENCE) == 0
    assert "Traceback" not in server.said


async def test_a_killed_worker_is_started_again(start: Start, redis_server: RedisServer) -> None:
    """The other one's sockets do not notice; the new one serves."""
    server = two_workers(start, redis_server)
    killed, kept = server.worker_pids
    sockets = await served_by(server, {killed, kept})
    os.kill(killed, signal.SIGKILL)
    with pytest.raises(websockets.ConnectionClosed):
        await sockets[killed].recv()
    # Looked at once: between two looks the dead one is reaped.
    server.wait_until(lambda: len({*server.worker_pids} - {killed}) == 2, within=PATIENCE)
    assert f"pid {killed}) ended by signal SIGKILL" in server.said
    (new,) = {*server.worker_pids} - {kept}
    await served_by(server, {new})
    assert sockets[kept].state is websockets.State.OPEN
    await (await sockets[kept].ping())


def test_a_worker_that_keeps_ending_at_its_start_stops_everything(start: Start) -> None:
    """With a sentence, after five times, each later than the one before."""
    server = start(application="tests.serving.doomed.application")
    begun = time.monotonic()
    assert server.wait(within=PATIENCE) == 1
    assert (
        "Worker 1 ended 5 times just after its start, the last time with status 7." in server.said
    )
    assert time.monotonic() - begun > 1
    assert "Traceback" not in server.said


def test_workers_do_not_outlive_a_killed_parent(start: Start) -> None:
    """They notice, tell their sockets, and end."""
    server = start()
    with Wire(server) as wire:
        assert wire.handshake("/echo").status == 101
        worker = psutil.Process(server.worker_pids[0])
        server.signal(signal.SIGKILL)
        assert wire.close_code() == 1012
    worker.wait(8)


def test_who_asks_twice_does_not_wait(start: Start) -> None:
    """The second signal, a moment after the first, kills what has not drained."""
    server = start()
    with Wire(server) as wire:
        assert wire.handshake("/stubborn").status == 101
        begun = time.monotonic()
        server.signal(signal.SIGINT)
        assert wire.close_code() == 1012
        while time.monotonic() - begun < 1.1:  # sooner, it would be the same wish told twice
            time.sleep(0.05)
        server.signal(signal.SIGINT)
        assert server.wait(within=PATIENCE) == 0
    assert "workers did not end in time and are killed" in server.said
    assert "cancelled /stubborn" not in server.said  # as it would be after five seconds


def test_a_worker_that_ends_by_itself_is_replaced(start: Start) -> None:
    """Connections that come meanwhile wait in the socket that the parent holds."""
    server = start()
    (first,) = server.worker_pids
    with pytest.raises(httpx.TransportError):
        httpx.get(f"{server.url}/exit", trust_env=False, timeout=PATIENCE)
    assert httpx.get(server.url, trust_env=False, timeout=PATIENCE).json()["pid"] != first
    assert "ended with status 3" in server.said


def test_a_busy_port_is_said(server: Serving) -> None:
    """In a sentence that says what to do."""
    with pytest.raises(CannotListen, match=f"Port {server.port} on 127.0.0.1 is in use. Stop what"):
        listen("127.0.0.1", server.port)


@pytest.mark.parametrize("host", ["no such host", "192.0.2.1"])
def test_an_address_of_elsewhere_is_said(host: str) -> None:
    """Neither a name nor an address that this computer lacks."""
    with pytest.raises(CannotListen, match="Choose"):
        listen(host, 0)


def test_an_ipv6_address_is_listened_on() -> None:
    """The family follows the address."""
    with listen("::1", 0) as listening:
        assert listening.family == socket.AF_INET6
