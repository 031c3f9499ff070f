"""The services that tests of the whole product run against: real ones, started once a run."""

import logging
import signal
from collections.abc import AsyncIterator, Callable, Generator, Iterator
from pathlib import Path

import httpx
import pytest

from tests.cast import HANDLER, PASSWORD
from tests.databases import Databases, PostgresDatabases, SqliteDatabases
from tests.hq_server import HQServer
from tests.patience import PATIENCE
from tests.postgres_server import PostgresServer
from tests.processes import Process
from tests.redis_server import RedisServer
from tests.rest_client import RestClient

# A shell that runs the tests in the background has them, and so HQ, ignore Ctrl+C.
signal.signal(signal.SIGINT, signal.default_int_handler)
logging.getLogger("httpx").setLevel(logging.WARNING)  # HQ's own log says the same

Serve = Callable[..., HQServer]
WIDE = {
    "HQ_SOCKETS_PER_AGENT": "1000",
    "HQ_PENDING_PER_ADDRESS": "1000",
    "HQ_FRAMES_PER_SECOND": "10000",
    "HQ_FRAME_BURST": "10000",
    "HQ_CALL_BURST": "100000",
    "HQ_ADDRESS_CALL_BURST": "100000",
    "HQ_ACCESS_MINUTES": "120",  # tests share tokens for as long as a run takes
}


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """A Redis for the whole run."""
    server = RedisServer(tmp_path_factory.mktemp("redis"))
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def postgres_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgresServer]:
    """A PostgreSQL for the whole run; its log outlives it."""
    server = PostgresServer(tmp_path_factory.mktemp("postgres") / "postgres.log")
    try:
        server.start()
        yield server
    finally:
        server.remove()


@pytest.fixture(scope="session")
def databases(tmp_path_factory: pytest.TempPathFactory) -> Databases:
    """SQLite databases with the cast."""
    return SqliteDatabases(tmp_path_factory.mktemp("databases"))


@pytest.fixture(scope="session")
def postgres_databases(
    tmp_path_factory: pytest.TempPathFactory, postgres_server: PostgresServer
) -> Databases:
    """PostgreSQL databases with the cast."""
    return PostgresDatabases(tmp_path_factory.mktemp("databases"), postgres_server)


@pytest.fixture(scope="session")
def hq(
    tmp_path_factory: pytest.TempPathFactory, databases: Databases, redis_server: RedisServer
) -> Iterator[HQServer]:
    """HQ with two workers on Redis, for every test that makes its own missions and harms nothing.

    Many sockets of one agent and from one address meet here, so those limits are wide.
    """
    yield from _two_workers(tmp_path_factory, databases, redis_server)


@pytest.fixture(scope="session")
def hq_on_postgres(
    tmp_path_factory: pytest.TempPathFactory,
    postgres_databases: Databases,
    redis_server: RedisServer,
) -> Iterator[HQServer]:
    """The same on PostgreSQL."""
    yield from _two_workers(tmp_path_factory, postgres_databases, redis_server)


def _two_workers(
    folders: pytest.TempPathFactory, databases: Databases, redis_server: RedisServer
) -> Iterator[HQServer]:
    server = HQServer(
        folders.mktemp("hq"), databases, workers=2, redis_url=redis_server.url, settings=WIDE
    )
    server.start()
    yield server
    server.stop()


@pytest.fixture
def serve(tmp_path: Path, databases: Databases) -> Iterator[Serve]:
    """Starts an HQ of the test's own: `serve(**options of HQServer)`; ended after the test."""
    started: list[HQServer] = []

    def start(of: Databases = databases, **options: object) -> HQServer:
        server = HQServer(tmp_path / f"hq-{len(started)}", of, **options)  # type: ignore[arg-type]
        started.append(server)
        server.start()
        return server

    yield start
    for server in started:
        server.stop()


@pytest.fixture(scope="session")
def access(hq: HQServer) -> str:
    """The access token of one login of the handler."""
    who = {"username": HANDLER.username, "password": PASSWORD, "transport": "body"}
    answer = httpx.post(f"{hq.url}/api/auth/login", json=who, trust_env=False, timeout=PATIENCE)
    return str(answer.json()["access"])


@pytest.fixture
async def handler(hq: HQServer, access: str) -> AsyncIterator[RestClient]:
    """The handler, logged in."""
    async with RestClient(hq) as client:
        client.access = access
        yield client


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Shows with a failure what the processes said."""
    report = yield
    if report.failed:
        for process in Process.known:
            report.sections.append((f"end of the log of {process.name}", process.tail()))
    return report
