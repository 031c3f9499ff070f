"""F16: many clients that come and go."""

import asyncio
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest
import redis

from tests.cast import DIRECTOR
from tests.databases import Databases
from tests.faults.site import FULL, WIDE
from tests.hq_server import HQServer
from tests.patience import PATIENCE
from tests.processes import seconds_until
from tests.redis_server import RedisServer
from tests.rest_client import RestClient
from tests.socket_client import SocketClient

CYCLES = 2_000 if FULL else 500
"""Connections of one batch."""

BATCHES = 5
AT_ONCE = 10
FLAT = {"memory": 1024 * 1024, "blocks": CYCLES // 2 if FULL else CYCLES, "tasks": 1}
"""What a batch may add: the allocator's noise, half a kept object for each connection (one in
short batches, where what comes and goes is as much), one task that is about to end. Of all else
nothing."""

LOOK_EVERY = 0.5
QUIET, QUIET_LOOKS = 200, 3
"""Blocks that come and go between two looks, so often in a row, when nothing is left to be written.

The last writes of so many sockets end slowly: a look at their tail sees blocks for each of them.
"""


@pytest.fixture
def counted(
    tmp_path: Path, postgres_databases: Databases, redis_server: RedisServer
) -> Iterator[HQServer]:
    """One worker that says how much it holds."""
    command = [sys.executable, "manage.py", "serve", "--port", "{port}", "--workers", "1"]
    command += ["--application", "tests.faults.counted.application"]
    server = HQServer(
        tmp_path / "hq",
        postgres_databases,
        redis_url=redis_server.url,
        settings=WIDE,
        command=command,
    )
    server.start()
    yield server
    server.stop()


async def cycles(server: HQServer, client: RestClient, mission: str, count: int) -> None:
    """So many sockets opened, subscribed and closed, a few at a time; half without a word."""

    async def one(number: int) -> None:
        socket = await SocketClient.open(server, client.access, query=f"missions={mission}")
        await socket.expect("subscribed")
        if number % 2:
            await socket.close()
        else:
            socket.connection.transport.abort()
            await socket.ended()

    for start in range(0, count, AT_ONCE):
        await asyncio.gather(*(one(number) for number in range(start, start + AT_ONCE)))


def open_at(server: HQServer) -> int:
    """Connections of its worker, and that which listens."""
    worker = psutil.Process(server.pid).children()[0]
    return sum(one.laddr.port == server.port for one in worker.net_connections("tcp"))


async def held(server: HQServer, redis_port: int) -> dict[str, Any]:
    """Everything that could leak, once the connections of before are gone and written down."""
    worker = psutil.Process(server.pid).children()[0]
    async with httpx.AsyncClient(trust_env=False, timeout=PATIENCE) as client, asyncio.timeout(40):
        before, quiet = sys.maxsize, 0
        while True:
            counts = (await client.get(f"{server.url}/counts")).json()
            quiet = quiet + 1 if abs(counts["blocks"] - before) < QUIET else 0
            # Open are that which listens, this one, and the agent's REST.
            if quiet >= QUIET_LOOKS and open_at(server) <= 3:
                break
            before = counts["blocks"]
            await asyncio.sleep(LOOK_EVERY)
    with redis.Redis(port=redis_port) as layer:
        counts["groups"] = len(layer.pubsub_channels("*"))
    del counts["unreachable"]  # what HTTP requests leave, since the last look
    counts["descriptors"] = worker.num_fds()
    counts["memory"] = worker.memory_full_info().uss
    return dict(counts)


@pytest.mark.timeout(900 if FULL else 300)
async def test_f16_many_come_and_go(counted: HQServer, redis_server: RedisServer) -> None:
    """No growth of tasks, threads, descriptors, groups or memory.

    Pools and the allocator's arenas fill for a while, under load in any batch; what leaks grows in
    every one.
    """
    growths: list[dict[str, int]] = []
    async with RestClient(counted) as client:
        await client.login(DIRECTOR)
        mission = await client.create_mission("Comings and goings")
        await cycles(counted, client, mission, 200)
        before = await held(counted, redis_server.port)
        while len(growths) < BATCHES and (FULL or not any(map(flat, growths))):
            await cycles(counted, client, mission, CYCLES)
            after = await held(counted, redis_server.port)
            growths.append({name: after[name] - before[name] for name in before})
            print(f"F16 {CYCLES:,} cycles: growth {growths[-1]}")
            before = after
    assert any(map(flat, growths)), growths


async def test_f16_a_socket_that_is_gone_waits_for_no_collector(
    counted: HQServer, redis_server: RedisServer
) -> None:
    """Nothing of it refers back to it: memory grew by 9 kB each until a rare full collection."""
    async with (
        RestClient(counted) as client,
        httpx.AsyncClient(trust_env=False, timeout=PATIENCE) as other,
    ):
        await client.login(DIRECTOR)
        mission = await client.create_mission("Comings and goings")
        await cycles(counted, client, mission, 20)
        await held(counted, redis_server.port)
        await cycles(counted, client, mission, 100)
        await asyncio.to_thread(seconds_until, lambda: open_at(counted) <= 2, within=20)
        left = (await other.get(f"{counted.url}/counts")).json()["unreachable"]
    # A socket with all that belongs to it is some eighty objects.
    assert left < 100 * 10


def flat(growth: dict[str, int]) -> bool:
    """Whether nothing grew that a leak would make grow."""
    return all(more <= FLAT.get(name, 0) for name, more in growth.items())
