"""F1, F2, F15: workers that die, that are told to restart, and that publish at once."""

import asyncio
import os
import signal
import time

import psutil

from tests.cast import DIRECTOR, HANDLER
from tests.faults.authors import Author
from tests.faults.conftest import Gather
from tests.faults.site import FULL, Site, ready, seconds_until

WHOLE_WITHIN = 5.0


def until_gone(pid: int) -> float:
    """Seconds until that process has ended."""
    return seconds_until(lambda: not psutil.pid_exists(pid), within=15)


async def test_f1_a_worker_is_killed_under_load(site: Site, gather: Gather) -> None:
    """Its clients resume elsewhere, nothing is lost, and it is started again."""
    crowd = await gather(site)
    before = site.workers()
    await asyncio.sleep(1)
    killed = time.monotonic()
    os.kill(before[0], signal.SIGKILL)
    whole = await crowd.whole(killed)
    await asyncio.to_thread(until_gone, before[0])
    await asyncio.to_thread(seconds_until, lambda: len(site.workers()) == len(before), within=10)
    restarted = time.monotonic() - killed
    await asyncio.to_thread(seconds_until, lambda: all(map(ready, site.nodes)), within=20)
    verdict = await crowd.verdict("F1 kill -9 of a worker")
    verdict.whole, verdict.notes["restarted"] = whole, restarted
    verdict.tell()
    assert verdict.wrong == {}
    assert whole < WHOLE_WITHIN
    assert 1006 in [code for one in crowd.followers for code in one.closes]


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
