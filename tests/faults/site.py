"""HQ as it runs in earnest: several workers, a Redis and a database of their own, faults included.

Two shapes. One `serve` with two workers on SQLite. Two `serve` of one worker each on PostgreSQL,
the first of which reaches Redis and the database through proxies, so that it alone can be cut off.
"""

import contextlib
import itertools
import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, nullcontext
from pathlib import Path
from typing import TypeVar

import httpx
import psutil

from tests.cast import Member
from tests.databases import Databases
from tests.faults.proxy import FaultyProxy
from tests.hq_server import HQServer
from tests.ledger import Frame
from tests.postgres_server import PostgresServer
from tests.processes import Process, paused, seconds_until
from tests.redis_server import RedisServer

P = TypeVar("P", bound=Process)

WIDE = {
    "HQ_SOCKETS_PER_AGENT": "100000",
    "HQ_PENDING_PER_ADDRESS": "100000",
    "HQ_PENDING_PER_WORKER": "100000",
    "HQ_FRAMES_PER_SECOND": "10000",
    "HQ_FRAME_BURST": "10000",
    "HQ_CALLS_PER_SECOND": "100000",
    "HQ_CALL_BURST": "100000",
    "HQ_ADDRESS_CALLS_PER_SECOND": "100000",
    "HQ_ADDRESS_CALL_BURST": "100000",
    "HQ_ACCESS_MINUTES": "120",
}
"""No limit of use is what these tests are about."""

FULL = bool(os.environ.get("HQ_FAULTS_FULL"))
"""Whether to run with the numbers that are promised, instead of those that fit a test run."""


class OneDatabase:
    """Gives several servers the same database."""

    def __init__(self, url: str) -> None:
        self.url = url

    def fresh(self, var_dir: Path) -> str:
        """That one."""
        return self.url


class Site:
    """Servers, in the order of `nodes`, that share a Redis and a database."""

    def __init__(
        self, name: str, nodes: list[HQServer], redis: RedisServer, postgres: PostgresServer | None
    ) -> None:
        self.name = name
        self.nodes = nodes
        self.redis = redis
        self.postgres = postgres
        self.redis_path: FaultyProxy | None = None
        self.database_path: FaultyProxy | None = None
        self.logins: dict[Member, tuple[str, Frame]] = {}

    def __repr__(self) -> str:
        return self.name

    def workers(self) -> list[int]:
        """The ids of the worker processes that run now."""
        return [child.pid for node in self.nodes for child in psutil.Process(node.pid).children()]

    def workers_of(self, node: HQServer) -> list[int]:
        """The ids of one server's worker processes."""
        return [child.pid for child in psutil.Process(node.pid).children()]

    def memory(self) -> int:
        """Bytes that the workers hold for themselves alone, together."""
        return sum(psutil.Process(pid).memory_full_info().uss for pid in self.workers())

    def descriptors(self) -> int:
        """Open descriptors of the workers, together."""
        return sum(psutil.Process(pid).num_fds() for pid in self.workers())


@contextlib.contextmanager
def sqlite_site(folder: Path, databases: Databases, *, workers: int = 2) -> Iterator[Site]:
    """One `serve` with its workers on a SQLite file."""
    folder.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        redis = _started(stack, RedisServer(folder / "redis"))
        node = HQServer(
            folder / "hq", databases, workers=workers, redis_url=redis.url, settings=WIDE
        )
        _started(stack, node)
        yield Site("SQLite", [node], redis, None)


@contextlib.contextmanager
def postgres_site(folder: Path, databases: Databases, postgres: PostgresServer) -> Iterator[Site]:
    """Two `serve` on one PostgreSQL database; proxies stand before the first."""
    folder.mkdir(parents=True, exist_ok=True)
    url = databases.fresh(folder)
    with ExitStack() as stack:
        redis = _started(stack, RedisServer(folder / "redis"))
        redis_path = stack.enter_context(FaultyProxy(redis.port))
        database_path = stack.enter_context(FaultyProxy(postgres.port))
        first = HQServer(
            folder / "first",
            OneDatabase(url.replace(f":{postgres.port}/", f":{database_path.port}/")),
            redis_url=redis.url.replace(f":{redis.port}/", f":{redis_path.port}/"),
            settings=WIDE,
        )
        second = HQServer(folder / "second", OneDatabase(url), redis_url=redis.url, settings=WIDE)
        site = Site("PostgreSQL", [first, second], redis, postgres)
        site.redis_path, site.database_path = redis_path, database_path
        for node in site.nodes:
            _started(stack, node)
        yield site


def _started(stack: ExitStack, process: P) -> P:
    process.start()
    stack.callback(process.stop)
    return process


@contextlib.contextmanager
def paused_between_writes(site: Site, worker: int) -> Iterator[None]:
    """Stops a worker that is not in the middle of a write on SQLite; on PostgreSQL whenever.

    PostgreSQL ends a transaction that stands still by itself, after 3 s.
    """
    with ExitStack() as standing:
        with nullcontext() if site.postgres else _sqlite_lock(site, within=10):
            standing.enter_context(paused(worker))
        yield


@contextlib.contextmanager
def paused_in_a_write(site: Site) -> Iterator[None]:
    """Stops whichever worker it meets with SQLite's one lock for writing."""
    began, workers = time.monotonic(), itertools.cycle(site.workers())
    while time.monotonic() - began < 60:
        with paused(next(workers)):
            try:
                with _sqlite_lock(site, within=2):  # no write of the other's takes as long
                    pass
            except sqlite3.OperationalError:
                yield
                return
        time.sleep(0.01)
    raise AssertionError("It was never stopped in the middle of a write.")


@contextlib.contextmanager
def _sqlite_lock(site: Site, *, within: float) -> Iterator[None]:
    """Nobody writes meanwhile; `sqlite3.OperationalError` when somebody did for that long."""
    file = site.nodes[0].log.with_name("hq.sqlite3")
    with closing(sqlite3.connect(file, timeout=within, isolation_level=None)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        yield


def ready(node: HQServer, *, timeout: float = 6.0) -> bool:
    """Whether a server says that it may be sent something."""
    try:
        return httpx.get(f"{node.url}/readyz", timeout=timeout, trust_env=False).is_success
    except httpx.TransportError:
        return False


def until_unready(node: HQServer) -> float:
    """Seconds until a server says that it should be sent nothing."""
    return seconds_until(lambda: not ready(node), within=15)
