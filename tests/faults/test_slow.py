"""F10 continued: who is slow and who is not, however much comes at once."""

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
from websockets.asyncio.client import ClientConnection

from missions import limits
from tests.cast import DIRECTOR
from tests.databases import Databases
from tests.faults.authors import Author
from tests.faults.conftest import Gather
from tests.faults.crowd import Crowd
from tests.faults.site import WIDE, Site
from tests.faults.test_storms import BODY, GROWTH_MOST, SLOW_WITHIN, SlowReader, narrow, warm
from tests.hq_server import HQServer
from tests.ledger import Frame
from tests.patience import PATIENCE
from tests.processes import ROOT, frozen
from tests.rest_client import RestClient
from tests.socket_client import SocketClient

WHOLE_WITHIN = 10.0
ASKING_GROWTH_MOST = 3 * GROWTH_MOST
"""Bytes. Snapshots of half a megabyte come and go here, whether somebody reads them or not."""

OBJECTIVE = "\N{DIRECT HIT}" * 2000
"""The longest there is: 8 kB on the wire."""

MISSIONS = 200
"""Of which `welcome` is half as long again as may wait of live frames."""


@pytest.fixture
def alone(tmp_path: Path, databases: Databases) -> Iterator[HQServer]:
    """A server of its own: what is made there is in everybody's `welcome`."""
    server = HQServer(tmp_path / "hq", databases, settings=WIDE)
    server.start()
    yield server
    server.stop()


def loud(crowd: Crowd) -> Callable[[], "asyncio.Future[list[Frame]]"]:
    """Four more authors, who say the longest there is, all at once."""
    authors = [Author(DIRECTOR, crowd.mission, crowd.rest[DIRECTOR]) for _ in range(4)]
    crowd.authors += authors
    return lambda: asyncio.gather(*(one.say(body=BODY, roles=[]) for one in authors))


async def test_f10_who_reads_is_not_slow_when_much_is_healed_at_once(
    on_sqlite: Site, gather: Gather
) -> None:
    """Megabytes that the layer lost: each client takes them as it can, and none is closed."""
    crowd = await gather(on_sqlite, sockets=1, every=None)
    speak = loud(crowd)
    with frozen(on_sqlite.redis):
        for _ in range(100):
            await speak()
    whole = await crowd.whole(time.monotonic())
    closes = [code for one in crowd.followers for code in one.closes]
    verdict = await crowd.verdict("F10 13 MB healed")
    verdict.whole = whole
    verdict.tell()
    assert verdict.wrong == {}
    assert closes == []
    assert whole < WHOLE_WITHIN


async def test_f10_a_client_asks_and_does_not_read(
    alone: HQServer, on_sqlite: Site, gather: Gather
) -> None:
    """Neither snapshots nor what is held for them collect: it is closed with 4008, memory flat."""
    site = Site("SQLite", [alone], on_sqlite.redis, None)
    crowd = await gather(site, sockets=1, every=None)
    speak = loud(crowd)
    await warm(site, speak)
    async with await SocketClient.open(alone, crowd.rest[DIRECTOR][0].access) as reads:
        for _ in range(12):
            await reads.ask("subscribe", mission=crowd.mission)
    async with SlowReader(crowd) as slow:
        slow.holder = slow.worker
        worker = psutil.Process(slow.holder)
        for number in range(12):
            ask = {"type": "subscribe", "mission": crowd.mission, "id": number}
            await slow.connection.send(json.dumps(ask))
        await speak()
        before = most = worker.memory_full_info().uss
        began = time.monotonic()
        while not await asyncio.to_thread(slow.dropped):
            assert time.monotonic() - began < SLOW_WITHIN
            await speak()
            most = max(most, worker.memory_full_info().uss)
        code = await asyncio.to_thread(slow.closed_with)
    verdict = await crowd.verdict("F10 a client asks and does not read")
    verdict.notes |= {"growth": most - before, "closed": time.monotonic() - began}
    verdict.tell()
    assert verdict.wrong == {}
    assert code == "4008"
    assert most - before < ASKING_GROWTH_MOST


async def until(connection: ClientConnection, kind: str) -> list[str]:
    """Reads up to the first frame of that type; the types of all that came."""
    kinds: list[str] = []
    while kind not in kinds:
        kinds.append(json.loads(await asyncio.wait_for(connection.recv(), PATIENCE))["type"])
    return kinds


async def test_a_long_welcome_and_many_missions_lock_nobody_out(alone: HQServer) -> None:
    """Only live frames count as unread: all else waits for room, and comes."""
    async with RestClient(alone) as director:
        await director.login(DIRECTOR)
        for number in range(MISSIONS):
            mission = await director.create_mission(f"{number:04}", objective=OBJECTIVE)
        connection = await narrow(alone, director.access, "")
        async with connection:
            assert await until(connection, "welcome") == ["welcome"]
            await connection.send('{"type":"ping"}')
            kinds = await until(connection, "pong")
            assert kinds.count("subscribed") == limits.AUTO_SUBSCRIBED
            command = [sys.executable, "-m", "tests.faults.rights", "lower", DIRECTOR.username]
            await asyncio.to_thread(
                subprocess.run, command, env=alone.env, cwd=ROOT, check=True, capture_output=True
            )
            await until(connection, "access_changed")
            # Unlike a ping, this is answered when the socket is re-scoped and not before.
            await connection.send(json.dumps({"type": "unsubscribe", "mission": mission}))
            kinds = await until(connection, "unsubscribed")
            assert kinds.count("mission") == MISSIONS
            assert kinds.count("subscribed") == limits.AUTO_SUBSCRIBED
