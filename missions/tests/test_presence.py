"""Presence: which members follow a mission now, and who is told."""

import asyncio
import datetime as dt
import json
import threading
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from django.db.backends.utils import CursorWrapper
from django.utils import timezone

from agents.models import Agent
from agents.roles import Clearance
from agents.tests.wire import Wire
from missions import presence, revisions, services
from missions.models import Mission, Presence
from missions.tests.room import Room, set_access
from missions.tests.rosters import change, made_connection, made_worker, next_roster, roster
from tests import database_faults
from tests.cast import ANALYST, DIRECTOR, HANDLER, NOVICE, OPERATIVE, OUTSIDER, Member

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
async def room(
    cast: dict[Member, Agent], mission: Mission, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Room]:
    """The cast on a mission, its rosters written and read as soon as something changes."""
    monkeypatch.setattr(presence, "EVERY", 0.05)
    monkeypatch.setattr(presence, "LINGER", dt.timedelta(0))
    room = Room(cast)
    yield room
    await room.aclose()


def names(mission: Mission) -> list[str]:
    """The codenames on the mission's roster."""
    return [one.codename for one in presence.rosters([mission.pk]).get(mission.pk, [])]


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
    long_ago = timezone.now() - presence.LINGER - dt.timedelta(seconds=1)
    ends: dict[str, Callable[[], object]] = {
        "left": lambda: presence.write([], [(connection.pk, mission.pk)]),
        "closed": lambda: change(connection, closed_at=long_ago),
        "worker died": lambda: change(gone, lease_until=long_ago),
        "unassigned": lambda: services.remove_member(cast[HANDLER], mission.pk, cast[ANALYST].pk),
    }
    ends[end]()
    assert names(mission) == [OPERATIVE.codename]


@pytest.mark.parametrize("end", ["closed", "worker ended"])
def test_who_may_come_back_at_once_is_still_there(
    cast: dict[Member, Agent], mission: Mission, end: str
) -> None:
    """For a few seconds after the connection or its worker ended; then no more."""
    worker = made_worker()
    connection = made_connection(cast[ANALYST], worker)
    presence.write([(connection.pk, mission.pk)], [])
    for since, there in ((presence.LINGER / 3, True), (presence.LINGER * 2, False)):
        if end == "closed":
            change(connection, closed_at=timezone.now() - since)
        else:
            change(worker, lease_until=timezone.now() - since)
        assert names(mission) == ([ANALYST.codename] if there else [])


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


async def test_presence_tells_nothing_of_a_hidden_update(
    room: Room, mission: Mission, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its retraction resets those who saw it; a handler who did not gets nothing at all."""
    await room.do(set_access, room.cast[HANDLER].pk, clearance=Clearance.CONFIDENTIAL)
    await room.publish(DIRECTOR, mission, "kept")
    hidden = await room.publish(DIRECTOR, mission, "hidden", classification=Clearance.SECRET)
    watcher, analyst = await room.open(HANDLER), await room.enter(ANALYST)
    await roster(watcher, HANDLER, ANALYST)
    execute, reads, go_on = CursorWrapper.execute, threading.Event(), threading.Event()

    def slow(self: CursorWrapper, sql: str, params: Any = None) -> Any:
        if 'ORDER BY "missions_update"."seq_' in sql:
            reads.set()
            go_on.wait(4)
        return execute(self, sql, params)

    monkeypatch.setattr(CursorWrapper, "execute", slow)
    try:
        await room.do(revisions.retract, room.cast[DIRECTOR], hidden.pk)
        assert await asyncio.to_thread(reads.wait, 4)  # the analyst's socket is between the two
        other = await room.do(made_worker)
        connection = await room.do(made_connection, room.cast[OPERATIVE], other)
        await room.do(presence.write, [(connection.pk, mission.pk)], [])
        fence = json.loads((await watcher._next())["text"])
    finally:
        go_on.set()
    assert fence["type"] == "presence", fence
    everybody = sorted(one.codename for one in (HANDLER, ANALYST, OPERATIVE))
    assert [one["codename"] for one in fence["agents"]] == everybody
    await analyst.until(lambda frame: frame["type"] == "subscribed")


@pytest.mark.parametrize("way", ["reconnect", "resubscribe"])
async def test_who_comes_back_at_once_was_never_gone(
    room: Room, mission: Mission, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    """So that a connection cut with unsent bytes shows as little as a reset."""
    monkeypatch.setattr(presence, "LINGER", dt.timedelta(seconds=30))
    watcher, analyst = await room.open(HANDLER), await room.open(ANALYST)
    await roster(watcher, HANDLER, ANALYST)
    if way == "reconnect":
        await analyst.ended()
        await room.enter(ANALYST)
    else:
        await analyst.ask("unsubscribe", mission=str(mission.pk))
        await analyst.ask("subscribe", mission=str(mission.pk))
    await room.open(OPERATIVE)
    assert await next_roster(watcher) == sorted(
        one.codename for one in (HANDLER, ANALYST, OPERATIVE)
    )


async def test_access_that_is_lost_is_a_place_that_is_left(room: Room, mission: Mission) -> None:
    """As with a socket that is closed."""
    watcher = await room.open(HANDLER)
    await room.open(ANALYST)
    await roster(watcher, HANDLER, ANALYST)
    await room.do(set_access, room.cast[ANALYST].pk, clearance=Clearance.RESTRICTED)
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


async def test_a_newcomer_is_told_though_reading_failed_once(room: Room) -> None:
    """Also when the list is no other than the one that was told last."""
    watcher = await room.open(HANDLER)
    await roster(watcher, HANDLER)
    with database_faults.failing('^SELECT.*FROM "missions_presence"', times=1) as reading:
        newcomer = await room.open(DIRECTOR)
        await roster(newcomer, HANDLER)
    assert reading.met > 1


async def test_what_was_told_is_forgotten_when_nobody_oversees(
    room: Room, mission: Mission
) -> None:
    """A worker that has seen many missions holds the lists of those that it is asked for."""
    watcher = await room.open(HANDLER)
    await roster(watcher, HANDLER)
    board = presence.current()
    assert list(board._told) == [str(mission.pk)]
    await watcher.ended()
    await board._look_everywhere()
    await board._tell()
    assert board._told == {}


async def test_a_list_that_could_not_be_written_is_written_later(room: Room) -> None:
    """A database that fails once loses nobody."""
    with database_faults.failing('INTO "missions_presence"', times=1) as writing:
        watcher = await room.open(HANDLER)
        await roster(watcher, HANDLER)
    assert writing.met > 1
