"""F14: rights that are taken while something else is broken."""

import asyncio
import contextlib
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest

from agents.roles import Clearance, Role, Viewer
from missions.audiences import Looker
from tests.cast import ANALYST, NOVICE, OPERATIVE, Member
from tests.faults.conftest import Gather
from tests.faults.crowd import Crowd
from tests.faults.site import Site, frozen
from tests.processes import ROOT

LOWERED = Looker(Viewer(Role.FIELD_OPERATIVE, Clearance.RESTRICTED), assigned=True)
NOTHING = Looker(Viewer(Role.FIELD_OPERATIVE, Clearance.RESTRICTED), assigned=False)


def change(site: Site, what: str, member: Member) -> tuple[float, float]:
    """Changes an account in a process of its own; when that began, and when it was committed."""
    command = [sys.executable, "-m", "tests.faults.rights", what, member.username]
    said = subprocess.run(
        command, env=site.nodes[-1].env, cwd=ROOT, check=True, capture_output=True, text=True
    )
    asked, committed = map(float, said.stdout.split()[-2:])
    return asked, committed


@pytest.fixture(params=["nothing", "Redis"])
def broken(request: pytest.FixtureRequest, site: Site) -> Iterator[str]:
    """What is broken meanwhile. The accounts are as before after the test."""
    yield str(request.param)
    for member in (ANALYST, OPERATIVE):
        change(site, "restore", member)
    for member in (ANALYST, OPERATIVE, NOVICE):
        site.logins.pop(member, None)


@contextlib.contextmanager
def fault(site: Site, broken: str) -> Iterator[None]:
    """Redis stands still, or nothing is wrong."""
    if broken == "Redis":
        with frozen(site.redis):
            yield
    else:
        yield


async def lose_rights(crowd: Crowd) -> None:
    """One is lowered, one disabled, one's session ended: what each may see from then on."""
    losses = ((ANALYST, "lower", LOWERED), (OPERATIVE, "disable", NOTHING))
    for member, what, looker in losses:
        moments = await asyncio.to_thread(change, crowd.site, what, member)
        for one in crowd.followers:
            if one.member is member:
                one.ledger.grant(looker, *moments)
    asked = time.monotonic()
    await crowd.rest[NOVICE][0].call("POST", "/api/auth/logout")
    for one in crowd.followers:
        if one.member is NOVICE:
            one.ledger.grant(NOTHING, asked, time.monotonic())


async def test_f14_rights_are_taken_during_a_fault(site: Site, gather: Gather, broken: str) -> None:
    """No frame beyond the new rights later than 1 s after the commit, 10 s while Redis is away."""
    grace = 10.0 if broken == "Redis" else 1.0
    crowd = await gather(site, every=0.03)
    for follower in crowd.followers:
        follower.ledger.grace = grace
    with fault(site, broken):
        await lose_rights(crowd)
        gone = [one for one in crowd.followers if one.member in (OPERATIVE, NOVICE)]
        codes = [await one.ended(within=grace + 2) for one in gone]
        lowered = [one for one in crowd.followers if one.member is ANALYST]
        for one in lowered:
            await asyncio.wait_for(one.ledger.moved.wait(), grace + 2)
    verdict = await crowd.verdict(f"F14 rights taken, broken: {broken}")
    verdict.notes["latest_frame"] = max(one.ledger.latest_beyond() for one in crowd.followers)
    verdict.tell()
    assert verdict.wrong == {}
    assert set(codes) == {4003}
    assert all(not one.over for one in lowered)
