"""A worker that dies between the claim of an overdue update and its telling."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from tests.cast import ANALYST, DIRECTOR, HANDLER, Member
from tests.databases import Databases
from tests.faults.site import WIDE
from tests.hq_server import HQServer
from tests.ledger import Frame
from tests.redis_server import RedisServer
from tests.rest_client import RestClient
from tests.socket_client import SocketClient

WITHIN = 60.0
"""Seconds for a claim to end, and for another worker to make it anew."""


class Watcher:
    """An agent with one socket, which is opened again whenever it ends."""

    def __init__(self, server: HQServer, rest: RestClient, mission: str) -> None:
        self.server, self.rest, self.mission = server, rest, mission
        self.frames: list[Frame] = []
        self.opened: list[int] = []
        self.arrived = asyncio.Event()

    async def follow(self) -> None:
        """Until it is cancelled."""
        while True:
            with contextlib.suppress(OSError, AssertionError):
                query = f"missions={self.mission}"
                async with await SocketClient.open(
                    self.server, self.rest.access, query=query
                ) as socket:
                    await socket.expect("subscribed")
                    self.opened.append(socket.worker)
                    self.arrived.set()
                    while not socket._reader.done():
                        with contextlib.suppress(TimeoutError):
                            await asyncio.wait_for(socket.arrival(), 0.5)
                        self.frames += [one for one in socket.drain() if one["type"] == "overdue"]
                        self.arrived.set()

    def told_of(self, update: Frame) -> int:
        """How often."""
        return sum(one["update"] == update["id"] for one in self.frames)

    async def until_told_of(self, update: Frame) -> None:
        """Waits for the first time."""
        async with asyncio.timeout(WITHIN):
            while not self.told_of(update):
                self.arrived.clear()
                await self.arrived.wait()


@pytest.fixture(params=["databases", "postgres_databases"], ids=["sqlite", "postgres"])
async def dying(
    request: pytest.FixtureRequest, tmp_path: Path, redis_server: RedisServer
) -> AsyncIterator[HQServer]:
    """Two workers, the first of which to claim an overdue update dies with its claim."""
    databases: Databases = request.getfixturevalue(request.param)
    settings = {**WIDE, "DJANGO_SETTINGS_MODULE": "tests.faults.dying"}
    server = HQServer(
        tmp_path / "hq", databases, workers=2, redis_url=redis_server.url, settings=settings
    )
    server.start()
    yield server
    server.stop()


async def test_a_claim_whose_worker_died_is_told_all_the_same(
    dying: HQServer, tmp_path: Path
) -> None:
    """Once, to the handler who was told nothing before and had to come back."""
    async with AsyncExitStack() as stack:
        rest: dict[Member, RestClient] = {}
        for member in (DIRECTOR, HANDLER, ANALYST):
            client = await stack.enter_async_context(RestClient(dying))
            rest[member] = await client.login(member)
        mission = await rest[DIRECTOR].create_mission("Overdue")
        await rest[DIRECTOR].add(mission, rest[HANDLER], rest[ANALYST])
        handler = Watcher(dying, rest[HANDLER], mission)
        task = asyncio.create_task(handler.follow())
        stack.callback(task.cancel)
        async with asyncio.timeout(WITHIN):
            await handler.arrived.wait()
        orders = [
            await rest[DIRECTOR].publish(
                mission, "Report.", kind="order", requires_ack=True, ack_within=seconds
            )
            for seconds in (10, 30)
        ]
        for order in orders:  # the second is told of by later looks: what was doubled has come
            await handler.until_told_of(order)
        assert (tmp_path / "hq" / "died").exists()
        assert len(handler.opened) == 2
        assert [handler.told_of(order) for order in orders] == [1, 1]
