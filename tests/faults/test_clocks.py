"""F12: one worker's clock is wrong."""

import asyncio
import datetime as dt
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cast import ANALYST, DIRECTOR
from tests.faults.conftest import Gather
from tests.faults.site import WIDE, OneDatabase, Site
from tests.hq_server import HQServer
from tests.rest_client import RestClient
from tests.socket_client import SocketClient

SOURCE = Path(__file__).with_name("clock.c")


@pytest.fixture(scope="session")
def clock(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The library that moves a clock."""
    compiler = shutil.which("cc")
    assert compiler, "cc is missing: install a C compiler."
    library = tmp_path_factory.mktemp("clock") / "clock.so"
    subprocess.run([compiler, "-shared", "-fPIC", "-o", library, SOURCE], check=True)
    return library


@pytest.fixture(params=[5, -90])
def askew(
    request: pytest.FixtureRequest, on_postgres: Site, clock: Path, tmp_path: Path
) -> Iterator[Site]:
    """A site of a good worker and one whose clock is so many seconds ahead."""
    good = on_postgres.nodes[1]
    assert good.env is not None
    settings = WIDE | {"LD_PRELOAD": str(clock), "HQ_TESTS_CLOCK": str(request.param)}
    wrong = HQServer(
        tmp_path / "askew",
        OneDatabase(good.env["DATABASE_URL"]),
        redis_url=on_postgres.redis.url,
        settings=settings,
    )
    wrong.start()
    ahead = "ahead" if request.param > 0 else "behind"
    name = f"PostgreSQL, a clock {abs(request.param)} s {ahead}"
    yield Site(name, [wrong, good], on_postgres.redis, on_postgres.postgres)
    wrong.stop()


async def test_f12_a_clock_is_wrong(askew: Site, gather: Gather) -> None:
    """Credentials within the leeway pass; order, tickets, presence and receipts do not suffer."""
    crowd = await gather(askew)
    wrong, good = askew.nodes
    director, elsewhere = crowd.rest[DIRECTOR]
    for issued_by, used_at in ((director, good), (elsewhere, wrong)):
        ticket = await issued_by.ticket()
        socket = await SocketClient.open(used_at, query=f"ticket={ticket}&missions=none")
        await socket.expect("welcome")
        await socket.close()
    await present_and_acknowledged(crowd.rest[DIRECTOR][0], crowd.rest[ANALYST], crowd.mission)
    await asyncio.sleep(1)
    whole = await crowd.whole(time.monotonic())
    verdict = await crowd.verdict("F12 a worker's clock is wrong")
    verdict.whole = whole
    verdict.tell()
    assert verdict.wrong == {}
    assert whole < 1.0
    created = [
        dt.datetime.fromisoformat(entry["update"]["created_at"])
        for entry in await director.log(crowd.mission)
    ]
    assert created == sorted(created)


async def present_and_acknowledged(
    director: RestClient, analysts: list[RestClient], mission: str
) -> None:
    """A receipt through either worker has the database's time, not the worker's."""
    for analyst in analysts:
        asked = await director.publish(mission, "acknowledge", requires_ack=True)
        await analyst.call("POST", f"/api/updates/{asked['id']}/acknowledge")
        receipts = await director.call("GET", f"/api/updates/{asked['id']}/receipts")
        at = next(one["at"] for one in receipts if one["agent"]["codename"] == ANALYST.codename)
        off = dt.datetime.now(dt.UTC) - dt.datetime.fromisoformat(at)
        assert abs(off.total_seconds()) < 3
