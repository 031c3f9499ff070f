"""F14: rights that are taken while something else is broken."""

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator

import httpx
import pytest

from agents.roles import Clearance, Role, Viewer
from missions.audiences import Looker
from tests.cast import ANALYST, NOVICE, OPERATIVE, Member
from tests.faults.authors import GIVE_UP
from tests.faults.conftest import Gather
from tests.faults.crowd import Crowd
from tests.faults.site import Site
from tests.processes import ROOT, frozen
from tests.rest_client import RestClient

LOWERED = Looker(Viewer(Role.FIELD_OPERATIVE, Clearance.RESTRICTED), assigned=True)
NOTHING = Looker(Viewer(Role.FIELD_OPERATIVE, Clearance.RESTRICTED), assigned=False)


CLOSED_WITHIN = 25.0
"""Seconds until who cannot be checked is closed and refused elsewhere, or told of its rights, and
until whose worker died has come back to be."""

STANDS = 3.0

EVERYWHERE = ("nothing", "Redis", "a worker")


def change(site: Site, what: str, member: Member) -> tuple[float, float]:
    """Changes an account in a process of its own; when that began, and when it was committed.

    Tried again while what a worker that was cut off had locked is locked still.
    """
    command = [sys.executable, "-m", "tests.faults.rights", what, member.username]
    until = time.monotonic() + GIVE_UP
    while True:
        done = subprocess.run(
            command, env=site.nodes[-1].env, cwd=ROOT, check=False, capture_output=True, text=True
        )
        if done.returncode == 0:
            asked, committed = map(float, done.stdout.split()[-2:])
            return asked, committed
        assert time.monotonic() < until, done.stderr


async def log_out(client: RestClient) -> None:
    """Ends the session, through whichever worker lives."""
    async with asyncio.timeout(GIVE_UP):
        while True:
            try:
                await client.call("POST", "/api/auth/logout")
            except httpx.TransportError:
                continue
            return


CASES = [
    *((where, broken) for where in ("on_sqlite", "on_postgres") for broken in EVERYWHERE),
    ("on_postgres", "PostgreSQL"),
    ("on_postgres", "a worker's PostgreSQL"),
]


@pytest.fixture
def place(request: pytest.FixtureRequest, where: str) -> Iterator[Site]:
    """Where something breaks. The accounts are as before after the test."""
    site: Site = request.getfixturevalue(where)
    yield site
    for member in (ANALYST, OPERATIVE):
        change(site, "restore", member)
    for member in (ANALYST, OPERATIVE, NOVICE):
        site.logins.pop(member, None)


@contextlib.contextmanager
def fault(site: Site, broken: str) -> Iterator[None]:
    """What is wrong while rights are taken: something that stands still, or a worker that dies."""
    if broken == "Redis":
        with frozen(site.redis):
            yield
    elif broken == "a worker's PostgreSQL":
        assert site.database_path is not None
        site.database_path.stall()
        try:
            yield
        finally:
            site.database_path.heal()
    elif broken == "a worker":
        os.kill(site.workers()[0], signal.SIGKILL)
        yield
    else:
        yield


async def stand_still(site: Site) -> None:
    """PostgreSQL stands still once rights are taken: while it does, nobody can take any."""
    assert site.postgres is not None
    with frozen(site.postgres):
        await asyncio.sleep(STANDS)


async def lose_rights(crowd: Crowd) -> None:
    """One is lowered, one disabled, one's session ended: what each may see from then on."""
    losses = ((ANALYST, "lower", LOWERED), (OPERATIVE, "disable", NOTHING))
    for member, what, looker in losses:
        moments = await asyncio.to_thread(change, crowd.site, what, member)
        for one in crowd.followers:
            if one.member is member:
                one.ledger.grant(looker, *moments)
    asked = time.monotonic()
    await log_out(crowd.rest[NOVICE][-1])
    for one in crowd.followers:
        if one.member is NOVICE:
            one.ledger.grant(NOTHING, asked, time.monotonic())


@pytest.mark.parametrize(("where", "broken"), CASES)
async def test_f14_rights_are_taken_during_a_fault(
    place: Site, gather: Gather, broken: str
) -> None:
    """No frame beyond the new rights later than 1 s after the commit, 10 s while Redis is away."""
    grace = 10.0 if broken == "Redis" else 1.0
    crowd = await gather(place, every=0.03)
    for follower in crowd.followers:
        follower.ledger.grace = grace
    gone = [one for one in crowd.followers if one.member in (OPERATIVE, NOVICE)]
    lowered = [one for one in crowd.followers if one.member is ANALYST]
    with fault(place, broken):
        await lose_rights(crowd)
        if broken == "PostgreSQL":
            await stand_still(place)
        within = grace + 2 if broken in ("nothing", "Redis") else CLOSED_WITHIN
        codes = await asyncio.gather(*(one.ended(within=within) for one in gone))
        told = (asyncio.wait_for(one.ledger.moved.wait(), within) for one in lowered)
        await asyncio.gather(*told)
    verdict = await crowd.verdict(f"F14 rights taken, broken: {broken}")
    verdict.notes["latest_frame"] = max(one.ledger.latest_beyond() for one in crowd.followers)
    verdict.tell()
    assert verdict.wrong == {}
    assert set(codes) <= {4003, 401}
    assert all(not one.over for one in lowered)
