"""F10, F11, F13: a client that does not read, one that vanishes, a thousand that come back."""

import asyncio
import re
import socket
import time
from collections.abc import Awaitable, Callable
from typing import Self

import psutil
import psycopg
import pytest
from websockets.asyncio.client import ClientConnection, connect

from tests.cast import DIRECTOR, OUTSIDER
from tests.faults.authors import Author
from tests.faults.conftest import Gather
from tests.faults.crowd import Crowd
from tests.faults.half_open import HalfOpen
from tests.faults.site import FULL, Site
from tests.hq_server import HQServer
from tests.patience import PATIENCE
from tests.processes import seconds_until
from tests.socket_client import SocketClient

SLOW_WITHIN = 60.0
GONE_WITHIN = 60.0
GROWTH_MOST = 10 * 1024 * 1024
WHOLE_WITHIN = 30.0
BODY = "\N{DIRECT HIT}" * 8000
"""The longest there is: 32 kB on the wire."""


async def narrow(node: HQServer, token: str, query: str) -> ClientConnection:
    """A socket whose client takes little at a time, and nothing unless it is asked to."""
    raw = socket.socket()
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65_536)
    raw.setblocking(False)
    await asyncio.get_running_loop().sock_connect(raw, ("127.0.0.1", node.port))
    return await connect(
        f"{node.socket_url}?{query}",
        sock=raw,
        additional_headers={"Authorization": f"Bearer {token}"},
        compression=None,
        max_queue=1,
        max_size=None,
        ping_interval=None,
        proxy=None,
    )


class SlowReader:
    """Opens a socket on the crowd's mission, and reads nothing."""

    def __init__(self, crowd: Crowd) -> None:
        self.crowd = crowd

    async def __aenter__(self) -> Self:
        node, token = self.crowd.site.nodes[0], self.crowd.rest[DIRECTOR][0].access
        self.connection = await narrow(node, token, f"missions={self.crowd.mission}")
        self.port = self.connection.local_address[1]
        self._log = node.log
        self._log_began = node.log.stat().st_size  # ports are used again
        return self

    async def __aexit__(self, *error: object) -> None:
        await self.connection.close()

    @property
    def worker(self) -> int:
        """The process at the other end."""
        return self.crowd.site.nodes[0].worker_of(self.port)

    def dropped(self) -> bool:
        """Whether the server has let go of it: no worker holds the connection open."""
        try:
            process = psutil.Process(self.holder)
            held = [one for one in process.net_connections("tcp") if one.raddr]
        except psutil.NoSuchProcess:
            return True
        return all(
            one.raddr.port != self.port or one.status != psutil.CONN_ESTABLISHED for one in held
        )

    def closed_with(self) -> str:
        """The close code, as the server's log has it, a moment after the connection is gone."""
        seconds_until(lambda: bool(self._ends()), within=PATIENCE)
        return self._ends()[-1].partition("code=")[2].split()[0]

    def _ends(self) -> list[str]:
        lines = self._log.read_bytes()[self._log_began :].decode().splitlines()
        return [one for one in lines if " code=" in one and one.endswith(f":{self.port}")]

    holder = 0


async def warm(site: Site, speak: Callable[[], Awaitable[object]]) -> None:
    """Has much said until it adds nothing to the workers' memory: that is what must stay so."""
    held, growth = site.memory(), GROWTH_MOST
    for _ in range(20):
        if growth < GROWTH_MOST // 20:
            return
        for _ in range(20):
            await speak()
        before, held = held, site.memory()
        growth = held - before
    raise AssertionError(f"memory grows without a slow client, lastly by {growth} bytes")


@pytest.mark.usefixtures("half_open")
async def test_f10_a_client_stops_reading(on_sqlite: Site, gather: Gather) -> None:
    """It is closed with 4008, costs no memory, and resumes when it is back."""
    crowd = await gather(on_sqlite, sockets=1, every=None)
    authors = [Author(DIRECTOR, crowd.mission, crowd.rest[DIRECTOR]) for _ in range(4)]
    crowd.authors += authors

    async def speak() -> int:
        await asyncio.gather(*(one.say(body=BODY, roles=[]) for one in authors))
        return len(authors)

    await warm(on_sqlite, speak)
    async with SlowReader(crowd) as slow:
        slow.holder = slow.worker
        worker = psutil.Process(slow.holder)
        before = worker.memory_full_info().uss
        began, said, most = time.monotonic(), 0, before
        while not await asyncio.to_thread(slow.dropped):
            assert time.monotonic() - began < SLOW_WITHIN
            said += await speak()
            most = max(most, worker.memory_full_info().uss)
        rate = said / (time.monotonic() - began)
        code = await asyncio.to_thread(slow.closed_with)
    verdict = await crowd.verdict("F10 a client stops reading")
    verdict.notes |= {"growth": most - before, "rate": rate, "p99": delivery_p99(crowd)}
    verdict.tell()
    assert verdict.wrong == {}
    assert code == "4008"
    assert most - before < GROWTH_MOST
    assert verdict.notes["p99"] < 1.0


def delivery_p99(crowd: Crowd) -> float:
    """Seconds from the answer to the author until others held it, of the slowest hundredth."""
    answered = {key: at for one in crowd.authors for key, at in one.answered.items()}
    delays = sorted(
        max(0.0, arrived - answered[key])
        for one in crowd.followers
        for key, arrived in one.ledger.arrived.items()
        if key in answered
    )
    return delays[int(len(delays) * 0.99)]


async def test_f13_everybody_comes_back_at_once(site: Site, gather: Gather) -> None:
    """A network comes back, and a crowd resumes within thirty seconds."""
    each = 200 if FULL else 40
    crowd = await gather(site, sockets=each, every=0.2)
    for one in crowd.followers:
        one.resumes = 0
        if one.socket is not None:
            one.socket.connection.transport.abort()
    cut = time.monotonic()
    await asyncio.sleep(0.1)
    await crowd.settled(within=WHOLE_WITHIN)
    whole = await crowd.whole(cut)
    verdict = await crowd.verdict(f"F13 {len(crowd.followers):,} clients come back at once")
    verdict.whole = whole
    verdict.tell()
    assert verdict.wrong == {}
    assert whole < WHOLE_WITHIN
    members = [one for one in crowd.followers if one.member is not OUTSIDER]
    assert all(one.resumes for one in members)


async def test_f13_a_stream_is_read_once_for_all_who_take_a_snapshot(
    on_postgres: Site, gather: Gather
) -> None:
    """A worker reads the newest of a stream once, however many ask for it at once."""
    assert on_postgres.postgres is not None
    crowd = await gather(on_postgres, sockets=1, every=None)
    for _ in range(40):
        await crowd.authors[0].say()
    await crowd.whole(time.monotonic())
    log = on_postgres.postgres.log
    with psycopg.connect(on_postgres.postgres.url("postgres"), autocommit=True) as admin:
        admin.execute("ALTER SYSTEM SET log_min_duration_statement = 0")
        admin.execute("SELECT pg_reload_conf()")
        begin = log.stat().st_size
        sockets = await asyncio.gather(
            *(
                SocketClient.open(node, crowd.rest[DIRECTOR][0].access, query="missions=none")
                for node in on_postgres.nodes
                for _ in range(30)
            )
        )
        await asyncio.gather(*(one.ask("subscribe", mission=crowd.mission) for one in sockets))
        admin.execute("ALTER SYSTEM RESET log_min_duration_statement")
        admin.execute("SELECT pg_reload_conf()")
    for one in sockets:
        await one.close()
    said = log.read_bytes()[begin:].decode(errors="replace")
    # Parsing, binding and executing have a line each.
    reads = re.findall(r'execute [^\n]*FROM "missions_update" WHERE [^\n]*"seq_\d+" <= ', said)
    print(f"F13 snapshots: {len(sockets)} subscribed, {len(reads)} reads of the stream")
    assert len(reads) == len(on_postgres.nodes)


@pytest.mark.timeout(150)
async def test_f11_a_client_vanishes_without_a_word(half_open: HalfOpen) -> None:
    """Presence forgets it within a minute."""
    gone = await asyncio.to_thread(half_open.wait, 100)
    print(f"F11 half-open client gone from presence after {gone:.1f} s")
    assert gone < GONE_WITHIN
