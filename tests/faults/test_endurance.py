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
from tests.redis_server import RedisServer
from tests.rest_client import RestClient
from tests.socket_client import SocketClient

CYCLES = 10_000 if FULL else 1_000
AT_ONCE = 10
GROWTH_MOST = 24 * 1024 * 1024
"""The C allocator's arenas of eleven threads fill for a while; what leaks shows in the blocks."""

BLOCKS_MOST = 15_000
"""Of what Python itself has allocated: one kept string a cycle would be told by the full number."""


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


async def held(server: HQServer, redis_port: int) -> dict[str, Any]:
    """Everything that could leak, once the connections of before are gone."""
    worker = psutil.Process(server.pid).children()[0]
    async with httpx.AsyncClient(trust_env=False) as client, asyncio.timeout(20):
        while True:
            counts = (await client.get(f"{server.url}/counts")).json()
            sockets = [
                one for one in worker.net_connections("tcp") if one.laddr.port == server.port
            ]
            if len(sockets) <= 3:  # that which listens, this one, and the agent's REST
                break
    with redis.Redis(port=redis_port) as layer:
        counts["groups"] = len(layer.pubsub_channels("*"))
    counts["descriptors"] = worker.num_fds()
    counts["memory"] = worker.memory_full_info().uss
    return dict(counts)


async def test_f16_many_come_and_go(counted: HQServer, redis_server: RedisServer) -> None:
    """No growth of tasks, threads, descriptors, groups or memory."""
    async with RestClient(counted) as client:
        await client.login(DIRECTOR)
        mission = await client.create_mission("Comings and goings")
        await cycles(counted, client, mission, 200)
        before = await held(counted, redis_server.port)
        await cycles(counted, client, mission, CYCLES)
        after = await held(counted, redis_server.port)
    growth = {name: after[name] - before[name] for name in before}
    print(f"F16 {CYCLES:,} cycles: growth {growth}")
    assert growth.pop("memory") < GROWTH_MOST
    assert growth.pop("blocks") < BLOCKS_MOST
    assert growth.pop("tasks") <= 1
    assert max(growth.values()) <= 1
