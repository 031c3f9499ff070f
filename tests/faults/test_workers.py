"""F1, F2, F15, F17: workers that die, that restart, that publish at once, that stand still."""

import asyncio
import os
import signal
import time
from contextlib import AsyncExitStack, ExitStack

import psutil
import pytest
import websockets

from tests.cast import DIRECTOR, HANDLER, OUTSIDER
from tests.conftest import Serve
from tests.faults.authors import Author
from tests.faults.conftest import Gather
from tests.faults.site import (
    FULL,
    WIDE,
    Site,
    paused_between_writes,
    paused_in_a_write,
    ready,
)
from tests.patience import PATIENCE
from tests.processes import seconds_until
from tests.redis_server import RedisServer
from tests.rest_client import Refused, RestClient
from tests.socket_client import SocketClient

WHOLE_WITHIN = 5.0
AWAKE_AND_WHOLE_WITHIN = 10.0


def until_gone(pid: int) -> float:
    """Seconds until that process has ended."""
    return seconds_until(lambda: not psutil.pid_exists(pid), within=15)


async def test_f1_a_worker_is_killed_under_load(site: Site, gather: Gather) -> None:
    """Its clients resume elsewhere, nothing is lost, and it is started again."""
    crowd = await gather(site, revises=0.5)
    before = site.workers()
    await asyncio.sleep(1)
    killed = time.monotonic()
    os.kill(before[0], signal.SIGKILL)
    whole = await crowd.whole(killed)
    await asyncio.to_thread(until_gone, before[0])
    await asyncio.to_thread(
        seconds_until, lambda: len(site.workers()) == len(before), within=PATIENCE
    )
    restarted = time.monotonic() - killed
    await asyncio.to_thread(seconds_until, lambda: all(map(ready, site.nodes)), within=20)
    assert crowd.revisor is not None
    await crowd.revisor.stop()  # no stream is numbered anew any more: who comes back resumes
    killed = time.monotonic()
    os.kill(before[1], signal.SIGKILL)
    whole = max(whole, await crowd.whole(killed))
    await asyncio.to_thread(until_gone, before[1])
    await asyncio.to_thread(
        seconds_until, lambda: len(site.workers()) == len(before), within=PATIENCE
    )
    await asyncio.to_thread(seconds_until, lambda: all(map(ready, site.nodes)), within=20)
    verdict = await crowd.verdict("F1 kill -9 of a worker")
    verdict.whole, verdict.notes["restarted"] = whole, restarted
    verdict.tell()
    assert verdict.wrong == {}
    assert whole < WHOLE_WITHIN
    assert 1006 in [code for one in crowd.followers for code in one.closes]
    assert any(one.resumes for one in crowd.followers)


@pytest.mark.parametrize("kept_in", ["databases", "postgres_databases"])
async def test_f1_an_agent_whose_worker_died_opens_all_its_sockets_again(
    kept_in: str, serve: Serve, redis_server: RedisServer, request: pytest.FixtureRequest
) -> None:
    """What the dead worker held does not count against the agent until its lease ends."""
    hq = serve(
        request.getfixturevalue(kept_in),
        workers=2,
        redis_url=redis_server.url,
        settings=WIDE | {"HQ_SOCKETS_PER_AGENT": "10"},
    )
    async with await RestClient(hq).login(HANDLER) as client, AsyncExitStack() as stack:
        before = [await SocketClient.open(hq, client.access) for _ in range(10)]
        for socket in before:
            await socket.expect("welcome")
        killed = time.monotonic()
        for worker in psutil.Process(hq.pid).children():
            worker.kill()
        assert {await socket.ended() for socket in before} == {1006}
        opened = 0
        while opened < 10:
            assert time.monotonic() - killed < WHOLE_WITHIN
            try:
                socket = await SocketClient.open(hq, client.access)
            except websockets.InvalidStatus:  # 429 until its worker runs again
                await asyncio.sleep(0.1)
            else:
                stack.push_async_callback(socket.close)
                await socket.expect("welcome")
                opened += 1


async def test_f2_workers_restart_one_after_the_other(site: Site, gather: Gather) -> None:
    """Every socket is told 1012 and resumes; no write that was answered fails."""
    crowd = await gather(site)
    worst = 0.0
    for pid in site.workers():
        told = time.monotonic()
        os.kill(pid, signal.SIGTERM)
        worst = max(worst, await crowd.whole(told))
        await asyncio.to_thread(until_gone, pid)
        await asyncio.to_thread(seconds_until, lambda: all(map(ready, site.nodes)), within=20)
    verdict = await crowd.verdict("F2 SIGTERM, worker after worker")
    verdict.whole = worst
    verdict.tell()
    assert verdict.wrong == {}
    assert worst < WHOLE_WITHIN
    closes = {code for one in crowd.followers for code in one.closes}
    assert closes == {1012}
    assert all(one.resumes for one in crowd.followers if one.member is not OUTSIDER)


async def test_f15_two_workers_publish_to_one_mission_at_once(site: Site, gather: Gather) -> None:
    """One order, the same for everyone."""
    each = 200 if FULL else 100
    crowd = await gather(site, every=None)

    async def all_of(author: Author) -> None:
        for _ in range(each):
            await author.say()

    extra = [Author(one, crowd.mission, crowd.rest[one][::-1]) for one in (DIRECTOR, HANDLER)]
    crowd.authors += extra
    await asyncio.gather(*(all_of(author) for author in extra))
    whole = await crowd.whole(time.monotonic())
    verdict = await crowd.verdict("F15 two workers publish at once")
    verdict.whole = whole
    verdict.tell()
    assert verdict.wrong == {}
    assert verdict.promised >= 2 * each


async def test_f17_a_worker_stands_still(site: Site, gather: Gather) -> None:
    """As on a machine that swaps: its sockets stay open, and get what was written meanwhile."""
    seconds = 20 if FULL else 12
    crowd = await gather(site)
    first = crowd.followers[0].socket
    assert first is not None
    worker = first.worker
    with paused_between_writes(site, worker):
        stopped = time.monotonic()
        # A new connection, which the worker that still runs accepts.
        awake = Author(HANDLER, crowd.mission, [await crowd.client(HANDLER, site.nodes[-1])])
        crowd.authors.append(awake)
        awake.start(0.1)
        await asyncio.sleep(seconds - (time.monotonic() - stopped))
        said = len(awake.promised)
    went_on = time.monotonic()
    whole = await crowd.whole(went_on)
    while time.monotonic() - went_on < 4:  # a worker that closed its sockets would have done so
        await crowd.whole(time.monotonic())
    closes = [code for one in crowd.followers for code in one.closes]
    verdict = await crowd.verdict(f"F17 a worker stopped for {seconds} s")
    verdict.whole, verdict.notes["said"] = whole, said
    verdict.tell()
    assert verdict.wrong == {}
    assert said > 0
    assert closes == []
    assert whole < AWAKE_AND_WHOLE_WITHIN


async def test_f17_a_worker_stands_still_in_the_middle_of_a_write(
    on_sqlite: Site, gather: Gather
) -> None:
    """SQLite has one lock: till it goes on nobody writes or comes, and is told so. All may read."""
    crowd = await gather(on_sqlite)
    node = on_sqlite.nodes[0]
    said = await crowd.authors[0].say(classification="restricted", roles=[])
    with ExitStack() as standing:
        await asyncio.to_thread(standing.enter_context, paused_in_a_write(on_sqlite))
        client = await crowd.client(HANDLER, node)
        assert said["id"] in [entry["update"]["id"] for entry in await client.log(crowd.mission)]
        newcomer = await SocketClient.open(node, client.access)
        assert await newcomer.ended() == 1013
        with pytest.raises(Refused) as refused:
            await client.publish(crowd.mission, "Not to be written.")
        assert (refused.value.status, refused.value.code) == (503, "unavailable")
    whole = await crowd.whole(time.monotonic())
    closes = [code for one in crowd.followers for code in one.closes]
    verdict = await crowd.verdict("F17 a worker stopped in the middle of a write")
    verdict.whole = whole
    verdict.tell()
    assert verdict.wrong == {}
    assert closes == []
    assert whole < AWAKE_AND_WHOLE_WITHIN
