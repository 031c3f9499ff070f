"""F9: one of two workers loses its way to Redis or PostgreSQL, or has a bad one."""

import asyncio
import time

import psycopg
import pytest

from tests.cast import HANDLER
from tests.faults.authors import Author
from tests.faults.conftest import Gather
from tests.faults.crowd import Crowd
from tests.faults.proxy import FaultyProxy
from tests.faults.site import Site, ready, until_unready
from tests.processes import seconds_until

SAID_WITHIN = 5.0
WHOLE_WITHIN = 10.0


def path_to(site: Site, what: str) -> FaultyProxy:
    """The proxy on the first worker's way."""
    path = site.redis_path if what == "Redis" else site.database_path
    assert path is not None
    return path


async def judged(crowd: Crowd, fault: str, whole: float, **notes: float) -> None:
    """The verdict."""
    verdict = await crowd.verdict(fault)
    verdict.whole = whole
    verdict.notes |= notes
    verdict.tell()
    assert verdict.wrong == {}
    assert whole < WHOLE_WITHIN


@pytest.mark.parametrize("what", ["Redis", "PostgreSQL"])
@pytest.mark.parametrize("how", ["stall", "cut"])
async def test_f9_a_worker_is_cut_off(
    on_postgres: Site, gather: Gather, what: str, how: str
) -> None:
    """It says so in time, nobody misses anything, and it comes back by itself."""
    path, node = path_to(on_postgres, what), on_postgres.nodes[0]
    crowd = await gather(on_postgres)
    getattr(path, how)()
    cut = time.monotonic()
    try:
        unready = await asyncio.to_thread(until_unready, node)
        during = await crowd.whole(cut)
    finally:
        path.heal()
    healed = time.monotonic()
    whole = await crowd.whole(healed)
    await asyncio.to_thread(seconds_until, lambda: ready(node), within=15)
    back = time.monotonic() - healed
    await judged(crowd, f"F9 {what}: {how}", whole, unready=unready, during=during, ready=back)
    assert unready < SAID_WITHIN


async def test_f9_a_worker_is_cut_off_in_the_middle_of_a_write(
    on_postgres: Site, gather: Gather
) -> None:
    """The mission is free again before a write elsewhere gives up; the cut one is made anew."""
    path, other = path_to(on_postgres, "PostgreSQL"), on_postgres.nodes[1]
    crowd = await gather(on_postgres, every=None)
    elsewhere = Author(HANDLER, crowd.mission, crowd.rest[HANDLER][1:])
    assert other.env is not None
    with psycopg.connect(other.env["DATABASE_URL"]) as holder:
        # What a write stores last waits for this, with the mission's row locked.
        holder.execute("LOCK TABLE missions_change IN SHARE MODE")
        cut_write = asyncio.create_task(crowd.authors[0].say())
        waits = (
            "SELECT 1 FROM pg_locks WHERE relation = 'missions_change'::regclass AND NOT granted"
        )
        await asyncio.to_thread(
            seconds_until, lambda: bool(holder.execute(waits).fetchone()), within=SAID_WITHIN
        )
        path.stall()
    cut = time.monotonic()
    crowd.authors.append(elsewhere)
    try:
        await elsewhere.say()
        during = await crowd.whole(cut)
    finally:
        path.heal()
    await cut_write
    await judged(
        crowd, "F9 PostgreSQL: stall in a write", await crowd.whole(time.monotonic()), during=during
    )
    assert [answer.status for answer in elsewhere.answers] == [201]


@pytest.mark.parametrize("what", ["Redis", "PostgreSQL"])
@pytest.mark.parametrize("how", ["late", "sliced"])
async def test_f9_a_worker_has_a_bad_network(
    on_postgres: Site, gather: Gather, what: str, how: str
) -> None:
    """500 ms more for every answer, or one byte at a time: slower, and as whole as ever."""
    path = path_to(on_postgres, what)
    crowd = await gather(on_postgres, sockets=1)
    if how == "late":
        path.delay(0.25)
    else:
        path.slice(1)
    try:
        during = await crowd.whole(time.monotonic())
        await asyncio.sleep(3)
        during = max(during, await crowd.whole(time.monotonic()))
    finally:
        path.heal()
    whole = await crowd.whole(time.monotonic())
    await judged(crowd, f"F9 {what}: {how}", whole, during=during)
