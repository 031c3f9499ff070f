"""F3 to F7: a Redis that dies, forgets, stands still or is flooded, and a publisher that dies."""

import asyncio
import signal
import subprocess
import sys
import time
from collections.abc import Callable

import pytest
import redis

from tests.cast import DIRECTOR, OUTSIDER
from tests.faults.conftest import Gather
from tests.faults.crowd import Crowd
from tests.faults.oracle import Verdict
from tests.faults.site import FULL, Site
from tests.processes import ROOT, frozen

WHOLE_WITHIN = 10.0
WRITE_WITHIN = 1.0


async def judged(crowd: Crowd, fault: str, whole: float) -> Verdict:
    """The verdict, after what every fault of Redis must leave alone: open sockets, quick writes."""
    closes = [code for one in crowd.followers for code in one.closes]
    verdict = await crowd.verdict(fault)
    verdict.whole = whole
    verdict.tell()
    assert verdict.wrong == {}
    assert closes == []
    assert whole < WHOLE_WITHIN
    assert {answer.status for one in crowd.authors for answer in one.answers} == {201}
    assert verdict.slowest_write is not None
    assert verdict.slowest_write < WRITE_WITHIN
    return verdict


async def test_f3_redis_is_killed_and_started_empty(site: Site, gather: Gather) -> None:
    """Sockets stay open and are whole within ten seconds; writes go on."""
    crowd = await gather(site, revises=0.3)
    await asyncio.to_thread(site.redis.stop, signal.SIGKILL)
    down = time.monotonic()
    during = await crowd.whole(down)
    await asyncio.to_thread(site.redis.start)
    whole = await crowd.whole(time.monotonic())
    await judged(crowd, "F3 Redis killed and started empty", max(whole, during))


def flush(client: "redis.Redis") -> None:
    """Forgets everything, groups and all."""
    client.flushall()


def kill_subscribers(client: "redis.Redis") -> None:
    """Ends the connections through which workers hear."""
    client.client_kill_filter(_type="pubsub")


@pytest.mark.parametrize("forget", [flush, kill_subscribers])
async def test_f4_redis_forgets_without_an_error(
    site: Site, gather: Gather, forget: Callable[["redis.Redis"], None]
) -> None:
    """As when it is killed, though no call fails."""
    crowd = await gather(site)
    with redis.Redis(port=site.redis.port) as client:
        forget(client)
    whole = await crowd.whole(time.monotonic())
    await judged(crowd, f"F4 {forget.__name__.replace('_', ' ')}", whole)


async def test_f5_redis_stands_still(site: Site, gather: Gather) -> None:
    """While it stands, writes are answered as ever, and sockets are whole; and so after it."""
    seconds = 30 if FULL else {"SQLite": 12, "PostgreSQL": 5}[site.name]
    crowd = await gather(site, revises=0.5)
    with frozen(site.redis):
        stopped = time.monotonic()
        during = await crowd.whole(stopped)
        joined = crowd.follow(DIRECTOR)
        await asyncio.wait_for(joined.welcomed.wait(), WHOLE_WITHIN)
        await asyncio.sleep(seconds - (time.monotonic() - stopped))
    whole = await crowd.whole(time.monotonic())
    await judged(crowd, f"F5 Redis stopped for {seconds} s", max(whole, during))


async def test_f6_a_burst_over_every_queue(site: Site, gather: Gather) -> None:
    """More at once than any queue on the way takes: nothing is lost or put out of order."""
    count = 10_000 if FULL else {"SQLite": 800, "PostgreSQL": 250}[site.name]
    crowd = await gather(site, sockets=1, every=None)
    command = [sys.executable, "-m", "tests.faults.burst", crowd.mission, "dora", str(count)]
    env = site.nodes[0].env
    await asyncio.to_thread(subprocess.run, command, env=env, cwd=ROOT, check=True)
    whole = await crowd.whole(time.monotonic())
    verdict = await crowd.verdict(f"F6 {count:,} updates in one transaction")
    verdict.whole = whole
    verdict.tell()
    assert verdict.wrong == {}
    assert whole < WHOLE_WITHIN


async def test_f7_the_publisher_dies_after_the_commit(site: Site, gather: Gather) -> None:
    """What was committed and told to nobody is healed within three seconds."""
    crowd = await gather(site, every=None)
    command = [sys.executable, "-m", "tests.faults.failpoint", crowd.mission, "dora", "orphan"]
    env = site.nodes[-1].env
    died = await asyncio.to_thread(subprocess.run, command, env=env, cwd=ROOT, check=False)
    since = time.monotonic()
    assert died.returncode == -signal.SIGKILL
    page = await crowd.rest[DIRECTOR][0].page(crowd.mission, limit=1)
    orphan = page["updates"][0]["update"]
    assert orphan["body"] == "orphan"
    members = [one for one in crowd.followers if one.member is not OUTSIDER]
    moments = [await one.ledger.holds(orphan["id"], within=5) for one in members]
    verdict = await crowd.verdict("F7 killed between commit and publish")
    verdict.whole = max(moments) - since
    verdict.tell()
    assert verdict.wrong == {}
    assert verdict.whole < 3.0
