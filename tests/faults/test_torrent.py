"""F10 at its rate: a hundred updates of 32 kB a second, beside clients that do not read."""

import asyncio
import select
import sys
import time
from asyncio.subprocess import PIPE
from typing import Self

import pytest

from tests.cast import ANALYST, DIRECTOR
from tests.faults.conftest import Gather
from tests.faults.crowd import Crowd
from tests.faults.site import Site
from tests.faults.test_storms import SLOW_WITHIN, SlowReader
from tests.processes import ROOT

RATE = 100
"""Updates a second, if the machine can."""

WARM_UP = 1.0
PHASE = 3.0
"""Seconds without a client that does not read, and with one after the other."""

UNCHANGED = 5.0
NOISE = 0.2
"""How many times later the slowest hundredth may be, of so many seconds at least."""

TRIES = 3
"""Who stalls others does it each time; a machine that had other things to do, does not."""


class Torrent:
    """A process that publishes 32 kB at that rate until it is ended. `committed`: when what was."""

    def __init__(self, crowd: Crowd) -> None:
        self.crowd = crowd
        self.committed: dict[str, float] = {}

    async def __aenter__(self) -> Self:
        node = self.crowd.site.nodes[-1]
        command = ["-m", "tests.faults.torrent", self.crowd.mission, DIRECTOR.username, str(RATE)]
        self.process = await asyncio.create_subprocess_exec(
            sys.executable, *command, env=node.env, cwd=ROOT, stdin=PIPE, stdout=PIPE
        )
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        assert await self.process.stdout.readline() == b"ready\n"
        self.process.stdin.write(b"\n")
        return self

    async def __aexit__(self, *error: object) -> None:
        said, _ = await self.process.communicate(b"")  # which also closes its input
        for line in said.decode().splitlines():
            key, moment = line.split()
            self.committed[key] = float(moment)

    def within(self, since: float, upto: float) -> dict[str, float]:
        """The updates that were committed in between, with the moments."""
        return {key: at for key, at in self.committed.items() if since <= at < upto}


@pytest.mark.timeout(300)
async def test_f10_others_get_theirs_as_if_nobody_stalled(site: Site, gather: Gather) -> None:
    """One client after the other stops reading and is closed; what the others get is no later."""
    crowd = await gather(site, sockets=1, every=None)
    for _ in range(3):
        crowd.follow(ANALYST)
    await crowd.settled()
    codes: list[str] = []
    for _ in range(TRIES):
        notes = await beside_who_does_not_read(crowd, codes)
        unchanged = notes["p99_beside"] < UNCHANGED * max(notes["p99_alone"], NOISE)
        if unchanged:
            break
    closes = [code for one in crowd.followers for code in one.closes]
    crowd.follow(ANALYST)
    verdict = await crowd.verdict("F10 32 kB at a rate, beside who does not read")
    verdict.notes |= notes
    verdict.notes["stalled"] = len(codes)
    verdict.tell()
    assert verdict.wrong == {}
    assert set(codes) == {"4008"}
    assert closes == []
    assert unchanged


async def beside_who_does_not_read(crowd: Crowd, codes: list[str]) -> dict[str, float]:
    """Updates a second and how late they were, without and with; adds to the `codes` of closes."""
    async with Torrent(crowd) as torrent:
        await asyncio.sleep(WARM_UP)
        began = time.monotonic()
        await asyncio.sleep(PHASE)
        alone = time.monotonic()
        codes.append(await stalled(crowd))
        while time.monotonic() - alone < PHASE:
            codes.append(await stalled(crowd))
        ended = time.monotonic()
    await crowd.whole(time.monotonic())
    quiet, beside = torrent.within(began, alone), torrent.within(alone, ended)
    return {
        "rate_alone": len(quiet) / (alone - began),
        "p99_alone": late(crowd, quiet),
        "rate_beside": len(beside) / (ended - alone),
        "p99_beside": late(crowd, beside),
    }


async def stalled(crowd: Crowd) -> str:
    """Opens a socket and reads nothing, until it is closed; the code of that."""
    async with SlowReader(crowd) as slow:
        raw = slow.connection.transport.get_extra_info("socket")
        await asyncio.to_thread(until_hung_up, raw.fileno())
        slow.connection.transport.abort()
        return await asyncio.to_thread(slow.closed_with)


def until_hung_up(descriptor: int) -> None:
    """Until the other end let go of a connection, though nothing is read from it."""
    watched = select.poll()
    watched.register(descriptor, select.POLLRDHUP)
    assert watched.poll(SLOW_WITHIN * 1000), "It was not closed."


def late(crowd: Crowd, committed: dict[str, float]) -> float:
    """Seconds from the commit until a follower held it, of the slowest hundredth."""
    delays = sorted(
        max(0.0, arrived - committed[key])
        for one in crowd.followers
        for key, arrived in one.ledger.arrived.items()
        if key in committed
    )
    return delays[int(len(delays) * 0.99)]
