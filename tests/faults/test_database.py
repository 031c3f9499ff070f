"""F8: a PostgreSQL that restarts, and one that stands still."""

import asyncio
import signal
import time

import httpx

from tests.cast import ANALYST, DIRECTOR
from tests.faults.conftest import Gather
from tests.faults.crowd import Crowd
from tests.faults.site import Site, frozen, until_unready
from tests.ledger import Frame

ANSWER_WITHIN = 5.0
BACK_WITHIN = 5.0
AT_ONCE = 1.0


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
        unready = [await asyncio.to_thread(until_unready, node) for node in on_postgres.nodes]
        assert unready[0] < ANSWER_WITHIN
        for node in on_postgres.nodes:
            await refused_at_once(crowd, node.url)
        newcomer = crowd.follow(ANALYST)
        assert await newcomer.refused(within=8) == 503
        await asyncio.sleep(max(0.0, 8 - (time.monotonic() - stopped)))
    whole = await crowd.whole(time.monotonic())
    await judged(crowd, "F8 PostgreSQL stopped for 8 s", whole)
    # A worker that could not compare for ten seconds has cut its clients off: they back off first.
    assert whole < 3 * BACK_WITHIN


async def refused_at_once(crowd: Crowd, url: str) -> None:
    """After two stuck calls the next is answered without waiting, but for one try a second."""
    token = crowd.rest[DIRECTOR][0].access
    async with httpx.AsyncClient(timeout=10, trust_env=False) as client:
        taken = []
        for _ in range(4):
            began = time.monotonic()
            answer = await client.get(
                f"{url}/api/missions", headers={"Authorization": f"Bearer {token}"}
            )
            taken.append(time.monotonic() - began)
            assert answer.status_code == 503
            body: Frame = answer.json()
            assert body["code"] == "unavailable"
        assert min(taken) < AT_ONCE
        assert max(taken) < ANSWER_WITHIN
