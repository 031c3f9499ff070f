"""A database of an earlier day opens after `migrate`, with everything that was in it."""

import gzip
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.hq_server import HQServer, clean_environment
from tests.processes import ROOT
from tests.rest_client import RestClient
from tests.socket_client import SocketClient

FIXTURES = sorted((ROOT / "tests" / "fixtures").glob("*.sqlite3.gz"))
DEMO_PASSWORD = "demo-room-2026"
UPDATES_OF_THE_DEMO = 40


class Earlier:
    """Unpacks a database of an earlier day and migrates it."""

    def __init__(self, packed: Path) -> None:
        self.packed = packed

    def fresh(self, var_dir: Path) -> str:
        """Its `DATABASE_URL`."""
        path = var_dir / "hq.sqlite3"
        path.write_bytes(gzip.decompress(self.packed.read_bytes()))
        url = f"sqlite:///{path}"
        env = clean_environment() | {"HQ_DEBUG": "1", "HQ_VAR_DIR": str(var_dir)}
        command = [sys.executable, "manage.py", "migrate", "--no-input"]
        env |= {"DATABASE_URL": url, "PATH": os.environ["PATH"]}
        subprocess.run(command, cwd=ROOT, env=env, check=True, capture_output=True)
        return url


@pytest.fixture(params=FIXTURES, ids=lambda path: path.name.partition(".")[0])
def migrated(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[HQServer]:
    """HQ on that database."""
    server = HQServer(tmp_path, Earlier(request.param))
    server.start()
    yield server
    server.stop()


async def test_a_database_of_an_earlier_day_opens(migrated: HQServer) -> None:
    """Logins work, the logs are there and dense, and go on."""
    async with RestClient(migrated) as director:
        who = {"username": "director", "password": DEMO_PASSWORD, "transport": "body"}
        director.access = (await director.call("POST", "/api/auth/login", who))["access"]
        missions = await director.call("GET", "/api/missions")
        count = 0
        for mission in missions:
            numbers = [entry["seq"] for entry in await director.log(mission["id"])]
            assert numbers == list(range(1, len(numbers) + 1))
            count += len(numbers)
        assert count >= UPDATES_OF_THE_DEMO
        active = next(one["id"] for one in missions if one["status"] == "active")
        async with await SocketClient.open(migrated, director.access) as socket:
            await socket.until(lambda held: active in held.rooms, "the mission")
            await socket.fence(lambda: director.publish(active, "after the migration"))
