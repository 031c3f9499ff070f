"""The sites of the faults, started once, and the crowd of a test."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

import pytest

from tests.databases import Databases
from tests.faults.crowd import Crowd
from tests.faults.half_open import HalfOpen
from tests.faults.site import Site, postgres_site, sqlite_site
from tests.postgres_server import PostgresServer

Gather = Callable[..., Awaitable[Crowd]]


@pytest.fixture(scope="session")
def on_sqlite(tmp_path_factory: pytest.TempPathFactory, databases: Databases) -> Iterator[Site]:
    """Two workers of one server."""
    with sqlite_site(tmp_path_factory.mktemp("faults"), databases) as site:
        yield site


@pytest.fixture(scope="session")
def on_postgres(
    tmp_path_factory: pytest.TempPathFactory,
    postgres_databases: Databases,
    postgres_server: PostgresServer,
) -> Iterator[Site]:
    """Two servers of one worker; the first reaches Redis and PostgreSQL through proxies."""
    folder = tmp_path_factory.mktemp("faults")
    with postgres_site(folder, postgres_databases, postgres_server) as site:
        yield site


@pytest.fixture(scope="module")
def half_open(on_postgres: Site) -> HalfOpen:
    """A client that vanishes now; other tests of the module run while it is waited for."""
    return HalfOpen(on_postgres)


@pytest.fixture(params=["on_sqlite", "on_postgres"])
def site(request: pytest.FixtureRequest) -> Site:
    """Each in turn."""
    found: Site = request.getfixturevalue(request.param)
    return found


@pytest.fixture
async def gather() -> AsyncIterator[Gather]:
    """Brings a crowd together: `await gather(site, sockets=2, every=0.1)`."""
    crowds: list[Crowd] = []

    async def bring(site: Site, **options: object) -> Crowd:
        crowd = Crowd(site)
        crowds.append(crowd)
        await crowd.gather(**options)  # type: ignore[arg-type]
        return crowd

    yield bring
    for crowd in crowds:
        await crowd.leave()
