"""F8: a PostgreSQL that restarts, and one that stands still."""

import asyncio
import signal
import time
from functools import partial

import httpx

from tests.cast import ANALYST, DIRECTOR
from tests.faults.conftest import Gather
from tests.faults.crowd import Crowd
from tests.faults.site import Site, ready, until_unready
from tests.ledger import Frame
from tests.processes import frozen, seconds_until

ANSWER_WITHIN = 5.0
BACK_WITHIN = 5.0
AT_ONCE = 1.0
STANDS = 7.0
"""Seconds that PostgreSQL stands still. From 8 s on rights may have been compared 10 s ago: sockets
are closed, and their clients back off."""


async def judged(crowd: Crowd, fault: str, whole: float) -> None:
    """The verdict, and that no write waited longer than it may."""
    verdict = await crowd.verdict(fault)
    verdict.whole = whole
    verdict.notes["unavailable"] = sum(
        answer.status == 503 for one in crowd.authors for answer in one.answers
    )
    verdict.tell()
    assert verdict.wrong == {}
    assert verdict.slowest_write is not None
    assert verdict.slowest_write < ANSWER_WITHIN
    statuses = {answer.status for one in crowd.authors for answer in one.answers}
    assert statuses <= {201, 503}


async def test_f8_postgresql_restarts(on_postgres: Site, gather: Gather) -> None:
    """Writes are committed or answered 503; what was acknowledged is delivered."""
    assert on_postgres.postgres is not None
    crowd = await gather(on_postgres)
    await asyncio.sleep(1)
    await asyncio.to_thread(on_postgres.postgres.stop, signal.SIGINT)
    await asyncio.to_thread(on_postgres.postgres.start)
    whole = await crowd.whole(time.monotonic())
    await judged(crowd, "F8 PostgreSQL restarted", whole)
    assert whole < BACK_WITHIN


async def test_f8_postgresql_stands_still(on_postgres: Site, gather: Gather) -> None:
    """503 in time, then at once; nobody is let in; and all is well within five seconds of it."""
    assert on_postgres.postgres is not None
    crowd = await gather(on_postgres)
    await asyncio.sleep(1)
    with frozen(on_postgres.postgres):
        stopped = time.monotonic()
        newcomer = asyncio.create_task(turned_away(crowd))
        looks = (asyncio.to_thread(until_unready, node) for node in on_postgres.nodes)
        assert max(await asyncio.gather(*looks)) < ANSWER_WITHIN
        assert await newcomer == 503
        calls = [asyncio.create_task(refused_at_once(crowd, one.url)) for one in on_postgres.nodes]
        await asyncio.sleep(STANDS - (time.monotonic() - stopped))
    went_on = time.monotonic()
    looks = (
        asyncio.to_thread(seconds_until, partial(ready, node), within=BACK_WITHIN)
        for node in on_postgres.nodes
    )
    await asyncio.gather(*looks)
    crowd.follow(ANALYST)  # not before: refused once more, it would back off
    whole = await crowd.whole(went_on)
    await asyncio.gather(*calls)
    await judged(crowd, f"F8 PostgreSQL stopped for {STANDS:.0f} s", whole)
    assert went_on - stopped < STANDS + 1
    assert whole < BACK_WITHIN


async def turned_away(crowd: Crowd) -> int:
    """The status that a newcomer is refused with, who does not come back: it would back off."""
    newcomer = crowd.follow(ANALYST)
    status = await newcomer.refused(within=STANDS)
    crowd.followers.remove(newcomer)
    await newcomer.stop()
    return status


async def refused_at_once(crowd: Crowd, url: str) -> None:
    """After two stuck calls the next are answered without waiting, but for one try a second.

    That one may be answered yet, when PostgreSQL goes on.
    """
    token = crowd.rest[DIRECTOR][0].access
    async with httpx.AsyncClient(timeout=10, trust_env=False) as client:

        async def ask() -> tuple[float, httpx.Response]:
            began = time.monotonic()
            answer = await client.get(
                f"{url}/api/missions", headers={"Authorization": f"Bearer {token}"}
            )
            return time.monotonic() - began, answer

        taken = await asyncio.gather(*(ask() for _ in range(4)))
    quick = [answer for seconds, answer in taken if seconds < AT_ONCE]
    assert len(quick) >= 2
    for answer in quick:
        body: Frame = answer.json()
        assert (answer.status_code, body["code"]) == (503, "unavailable")
    assert max(seconds for seconds, _ in taken) < ANSWER_WITHIN
