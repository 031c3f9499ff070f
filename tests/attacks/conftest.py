"""Two servers for all attacks, an address for each test, and the order of the last tests."""

import itertools
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator

import pytest

from tests.attacks.attacker import Attacker
from tests.attacks.doors import Good
from tests.attacks.trail import Trail
from tests.cast import DIRECTOR, HANDLER
from tests.conftest import WIDE
from tests.databases import Databases
from tests.hq_server import HQServer
from tests.processes import ROOT
from tests.redis_server import RedisServer
from tests.rest_client import RestClient

RATES = (
    "HQ_CALLS_PER_SECOND",
    "HQ_CALL_BURST",
    "HQ_ADDRESS_CALLS_PER_SECOND",
    "HQ_ADDRESS_CALL_BURST",
    "HQ_LOGIN_FAILURES_PER_PAIR",
    "HQ_LOGIN_FAILURES_PER_ADDRESS",
    "HQ_LOGIN_FAILURES_PER_ACCOUNT",
)
UNLIMITED = WIDE | dict.fromkeys(RATES, "100000")
PUBLIC_ORIGIN = "https://hq.example.test"
PROXY = "127.0.0.9"
_hosts = itertools.count(1)


def manned(server: HQServer) -> HQServer:
    """The server, started, with the victims among its agents."""
    command = [sys.executable, "-m", "tests.attacks.enlist"]
    subprocess.run(command, env=server.env, cwd=ROOT, check=True, timeout=100)
    server.start()
    return server


@pytest.fixture(scope="package")
def fort(
    tmp_path_factory: pytest.TempPathFactory, databases: Databases, redis_server: RedisServer
) -> Iterator[HQServer]:
    """Two workers on Redis, every limit out of the way: what is refused is refused for itself."""
    folder = tmp_path_factory.mktemp("fort")
    server = HQServer(folder, databases, workers=2, redis_url=redis_server.url, settings=UNLIMITED)
    yield manned(server)
    server.stop()


@pytest.fixture(scope="package")
def gate(tmp_path_factory: pytest.TempPathFactory, databases: Databases) -> Iterator[HQServer]:
    """One worker as in production, limits as they are by default; 127.0.0.9 is a trusted proxy."""
    folder = tmp_path_factory.mktemp("gate")
    settings = {
        "HQ_DEBUG": "0",
        "HQ_PUBLIC_ORIGIN": PUBLIC_ORIGIN,
        "HQ_TRUSTED_PROXIES": f"{PROXY}/32",
    }
    server = HQServer(folder, databases, settings=settings)
    server.origin = PUBLIC_ORIGIN
    yield manned(server)
    server.stop()


@pytest.fixture(scope="package")
def keep(tmp_path_factory: pytest.TempPathFactory, databases: Databases) -> Iterator[HQServer]:
    """As in production, without limits, and with hashing so fast that all else shows."""
    settings = UNLIMITED | {
        "HQ_DEBUG": "0",
        "HQ_PUBLIC_ORIGIN": PUBLIC_ORIGIN,
        "DJANGO_SETTINGS_MODULE": "tests.attacks.quick_hashing",
    }
    server = HQServer(tmp_path_factory.mktemp("keep"), databases, settings=settings)
    yield manned(server)
    server.stop()


@pytest.fixture(scope="package")
def trail(fort: HQServer) -> Trail:
    """The audit log of the fort."""
    return Trail(fort)


@pytest.fixture(scope="package")
def gate_trail(gate: HQServer) -> Trail:
    """The audit log of the gate."""
    return Trail(gate)


@pytest.fixture(scope="package")
def keep_trail(keep: HQServer) -> Trail:
    """The audit log of the keep."""
    return Trail(keep)


@pytest.fixture
def address() -> str:
    """An address that nobody else comes from."""
    host = next(_hosts)
    return f"127.1.{host // 250}.{host % 250 + 1}"


@pytest.fixture(scope="package")
def held() -> dict[str, Good]:
    """What `good` keeps between tests."""
    return {}


@pytest.fixture
async def good(fort: HQServer, held: dict[str, Good]) -> Good:
    """The handler's tokens at the fort: one session for all tests, and none may end it."""
    return await kept(fort, held, "fort")


async def kept(server: HQServer, held: dict[str, Good], name: str) -> Good:
    """The handler's tokens at that server, from the first time that they are asked for."""
    if name not in held:
        async with await RestClient(server).login(HANDLER) as client:
            held[name] = Good(client.access, client.refresh_token)
    return held[name]


@pytest.fixture
async def attacker(fort: HQServer, address: str, good: Good) -> AsyncIterator[Attacker]:
    """Somebody at the fort; a good token from the same address works on afterwards."""
    async with Attacker(fort, address) as client:
        yield client
        assert (await client.attempt(token=good.access)).admitted


@pytest.fixture
async def besieger(gate: HQServer, address: str, held: dict[str, Good]) -> AsyncIterator[Attacker]:
    """Somebody at the gate; a good token from another address works on afterwards."""
    standing = await kept(gate, held, "gate")
    async with Attacker(gate, address) as client:
        yield client
    async with RestClient(gate) as client_of_another:
        client_of_another.access = standing.access
        assert await client_of_another.call("GET", "/api/auth/me")


@pytest.fixture
async def director(fort: HQServer) -> AsyncIterator[RestClient]:
    """The director at the fort, logged in."""
    async with RestClient(fort) as client:
        yield await client.login(DIRECTOR)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The audit log is read after all attacks, every log after everything."""
    last = [item for item in items if item.path.name == "test_traces.py"]
    here = [item for item in items if item.path.parent.name == "attacks"]
    trails = [item for item in here if item.path.name in ("test_trail.py", "test_tampering.py")]
    rest = [item for item in items if item not in last and item not in trails]
    attacks = [at for at, item in enumerate(rest) if item.path.parent.name == "attacks"]
    place = attacks[-1] + 1 if attacks else len(rest)
    items[:] = [*rest[:place], *trails, *rest[place:], *last]
