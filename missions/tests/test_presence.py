"""Presence: which members follow a mission now, and who is told."""

import datetime as dt
import json
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from django.db.models import Model
from django.utils import timezone

from agents import connections, sessions
from agents.models import Agent, Connection, Worker
from agents.roles import Clearance
from agents.tests.wire import Wire
from missions import presence, services
from missions.models import Mission, Presence
from missions.tests.room import Room
from tests import database_faults
from tests.cast import ANALYST, DIRECTOR, HANDLER, NOVICE, OPERATIVE, OUTSIDER, Member

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
async def room(
    cast: dict[Member, Agent], mission: Mission, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Room]:
    """The cast on a mission, its rosters written and read as soon as something changes."""
    monkeypatch.setattr(presence, "EVERY", 0.05)
    room = Room(cast)
    yield room
    await room.aclose()


def made_worker(lease: dt.timedelta = connections.LEASE) -> Worker:
    """A worker somewhere else."""
    now = timezone.now()
    return Worker.objects.create(started_at=now, lease_until=now + lease)


def made_connection(agent: Agent, worker: Worker) -> Connection:
    """An open socket of an agent's on that worker."""
    return Connection.objects.create(
        agent=agent,
        session=sessions.open_session(agent),
        worker=worker,
        opened_at=timezone.now(),
    )


def names(mission: Mission) -> list[str]:
    """The codenames on the mission's roster."""
    return [one.codename for one in presence.rosters([mission.pk]).get(mission.pk, [])]


def change(row: Model, **fields: Any) -> None:
    """Writes these fields of a row, past everything."""
    type(row)._default_manager.filter(pk=row.pk).update(**fields)


# The rows.


def test_a_roster_lists_members_who_follow_by_codename(
    cast: dict[Member, Agent], mission: Mission
) -> None:
    """Each once, however many sockets; nobody who is no member, nothing of another mission."""
    worker = made_worker()
    other = services.create_mission(cast[HANDLER], "Other", "Else.", Clearance.SECRET)
    for member in (OPERATIVE, ANALYST, ANALYST, DIRECTOR, OUTSIDER):
        presence.write([(made_connection(cast[member], worker).pk, mission.pk)], [])
    presence.write([(made_connection(cast[HANDLER], worker).pk, other.pk)], [])
    assert names(mission) == [OPERATIVE.codename, ANALYST.codename]
    assert names(other) == [HANDLER.codename]
    found = presence.rosters([mission.pk, other.pk])
    assert [one.role for one in found[mission.pk]] == [OPERATIVE.role, ANALYST.role]


@pytest.mark.parametrize("end", ["left", "closed", "worker died", "unassigned"])
def test_who_follows_no_more_is_on_no_roster(
    cast: dict[Member, Agent], mission: Mission, end: str
) -> None:
    """Whichever way it ended; the other member stays."""
    gone, stays = made_worker(), made_worker()
    connection = made_connection(cast[ANALYST], gone)
    kept = made_connection(cast[OPERATIVE], stays)
    presence.write([(connection.pk, mission.pk), (kept.pk, mission.pk)], [])
    assert names(mission) == [OPERATIVE.codename, ANALYST.codename]
    ends: dict[str, Callable[[], object]] = {
        "left": lambda: presence.write([], [(connection.pk, mission.pk)]),
        "closed": lambda: change(connection, closed_at=timezone.now()),
        "worker died": lambda: change(gone, lease_until=timezone.now() - dt.timedelta(seconds=1)),
        "unassigned": lambda: services.remove_member(cast[HANDLER], mission.pk, cast[ANALYST].pk),
    }
    ends[end]()
    assert names(mission) == [OPERATIVE.codename]


def test_joining_twice_is_joining_once(cast: dict[Member, Agent], mission: Mission) -> None:
    """And leaving what was never joined is nothing."""
    connection = made_connection(cast[ANALYST], made_worker())
    pair = (connection.pk, mission.pk)
    presence.write([pair], [])
    presence.write([pair], [])
    assert Presence.objects.count() == 1
    presence.write([], [pair])
    presence.write([], [pair])
    assert not Presence.objects.exists()


# The frames.


async def next_roster(wire: Wire) -> list[str]:
    """The codenames of the next `presence`; other frames are passed over."""
    while True:
        message = await wire._next()
        frame = json.loads(message["text"])
        if frame["type"] == "presence":
            return [agent["codename"] for agent in frame["agents"]]


async def roster(wire: Wire, *members: Member) -> None:
    """Until the roster is exactly these."""
    wanted = sorted(member.codename for member in members)
    while await next_roster(wire) != wanted:
        pass


async def heard(wire: Wire) -> list[str]:
    """The types of everything that came before the answer to a ping."""
    wire.send("ping", id="fence")
    types: list[str] = []
    while "pong" not in types:
        types.append(json.loads((await wire._next())["text"])["type"])
    return types


@pytest.mark.parametrize("overseer", [HANDLER, DIRECTOR])
async def test_overseers_see_members_come_and_go(room: Room, overseer: Member) -> None:
    """A director who is no member sees the roster and is not on it."""
    own = [overseer] if overseer is HANDLER else []
    watcher = await room.open(overseer)
    await roster(watcher, *own)
    analyst = await room.open(ANALYST)
    await roster(watcher, *own, ANALYST)
    await room.open(OPERATIVE)
    await roster(watcher, *own, ANALYST, OPERATIVE)
    await analyst.ended()
    await roster(watcher, *own, OPERATIVE)


async def test_nobody_else_is_told(room: Room) -> None:
    """Not those who are on the roster, not who may not enter; and these are on none."""
    others = [await room.open(member) for member in (ANALYST, NOVICE, OUTSIDER)]
    watcher = await room.open(HANDLER)
    await roster(watcher, HANDLER, ANALYST)
    await room.open(OPERATIVE)
    await roster(watcher, HANDLER, ANALYST, OPERATIVE)
    for wire in others:
        assert "presence" not in await heard(wire)


async def test_leaving_a_mission_is_leaving_its_roster(room: Room, mission: Mission) -> None:
    """The socket stays open, for other missions."""
    watcher, analyst = await room.open(HANDLER), await room.open(ANALYST)
    await roster(watcher, HANDLER, ANALYST)
    analyst.send("unsubscribe", mission=str(mission.pk))
    await roster(watcher, HANDLER)


async def test_the_dead_of_another_worker_leave_the_roster_by_themselves(
    room: Room, mission: Mission
) -> None:
    """No event tells of it: the lease of their worker ends."""
    worker = await room.do(made_worker)
    connection = await room.do(made_connection, room.cast[OPERATIVE], worker)
    await room.do(presence.write, [(connection.pk, mission.pk)], [])
    watcher = await room.open(HANDLER)
    await roster(watcher, HANDLER, OPERATIVE)
    await room.do(change, worker, lease_until=timezone.now() - dt.timedelta(seconds=1))
    await roster(watcher, HANDLER)


async def test_a_list_that_could_not_be_written_is_written_later(room: Room) -> None:
    """A database that fails once loses nobody."""
    with database_faults.failing('INTO "missions_presence"', times=1) as writing:
        watcher = await room.open(HANDLER)
        await roster(watcher, HANDLER)
    assert writing.met > 1
