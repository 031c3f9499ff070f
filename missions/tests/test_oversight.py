"""Receipts and overdue updates: told to who oversees, and to nobody else."""

import asyncio
import datetime as dt
import threading
from typing import Any
from typing import cast as typed
from uuid import uuid4

import pytest
from django.db.backends.utils import CursorWrapper
from django.utils import timezone

from agents import live, watch
from agents.models import Agent
from agents.roles import Clearance, Role, Viewer
from missions import oversight, publishing, revisions, services
from missions.audiences import Audience, stream_for
from missions.drafts import Draft
from missions.feeds import Listener, MissionFeed, Place, Subscription
from missions.models import Mission, Update
from missions.protocol import Kind
from missions.tests.overseeing import heard, let_pass, overdue_orders, told
from missions.tests.room import Room, set_access
from tests.cast import ANALYST, DIRECTOR, HANDLER, NOVICE, OPERATIVE, OUTSIDER

pytestmark = pytest.mark.django_db(transaction=True)


def claimed_at(update: Update) -> dt.datetime | None:
    """When somebody claimed to tell of it."""
    return Update.objects.get(pk=update.pk).overdue_at


# Who is told.


@pytest.mark.parametrize(
    ("role", "clearance", "told"),
    [
        (Role.DIRECTOR, Clearance.TOP_SECRET, True),
        (Role.HANDLER, Clearance.SECRET, True),
        (Role.HANDLER, Clearance.CONFIDENTIAL, False),
        (Role.DIRECTOR, Clearance.CONFIDENTIAL, False),
        (Role.ANALYST, Clearance.TOP_SECRET, False),
        (Role.FIELD_OPERATIVE, Clearance.TOP_SECRET, False),
    ],
)
def test_overseers_are_those_who_staff_and_may_see(
    role: Role, clearance: Clearance, told: bool
) -> None:
    """Of an update at secret for everybody."""
    place = placed(role, clearance)
    assert bool(oversight.overseers([place], Audience(Clearance.SECRET, frozenset()), uuid4())) is (
        told
    )


def test_a_handler_is_not_told_of_what_is_for_other_roles() -> None:
    """A director is: no role hides anything from one."""
    analysts = Audience(Clearance.SECRET, frozenset({Role.ANALYST}))
    handler = placed(Role.HANDLER, Clearance.SECRET)
    director = placed(Role.DIRECTOR, Clearance.SECRET)
    assert oversight.overseers([handler, director], analysts, uuid4()) == [director]


def test_the_author_is_told_while_cleared_for_it() -> None:
    """Whatever its role; a place that was cut is told nothing."""
    audience = Audience(Clearance.SECRET, frozenset({Role.HANDLER}))
    author = placed(Role.FIELD_OPERATIVE, Clearance.SECRET)
    assert oversight.overseers([author], audience, author.agent_id) == [author]
    assert oversight.overseers([author], audience, uuid4()) == []
    lowered = placed(Role.FIELD_OPERATIVE, Clearance.CONFIDENTIAL)
    assert oversight.overseers([lowered], audience, lowered.agent_id) == []
    author.feed.leave(author)
    assert oversight.overseers([author], audience, author.agent_id) == []


def placed(role: Role, clearance: Clearance) -> Subscription:
    """A place on a mission of somebody with these rights."""

    class Nobody:
        def write(self, frames: bytes, payloads: Any) -> None:
            """Takes nothing."""

    taken = Place(uuid4(), stream_for(Viewer(role, clearance)), lambda: None)
    return MissionFeed("mission").join(typed(Listener, Nobody()), taken)


# The frames.


async def test_a_receipt_reaches_author_and_overseers(
    room: Room, mission: Mission, order: Update
) -> None:
    """With who and when; not those who have to acknowledge, nor an outsider; a repeat is silent."""
    watchers = [await room.enter(member) for member in (HANDLER, DIRECTOR)]
    others = [await room.enter(member) for member in (ANALYST, OPERATIVE, NOVICE, OUTSIDER)]
    for _ in range(2):
        await room.do(services.acknowledge, room.cast[ANALYST], order.pk)
    for wire in watchers:
        frame = await told(wire, "receipt")
        assert (frame["mission"], frame["update"]) == (str(mission.pk), str(order.pk))
        assert frame["agent"] == {"codename": ANALYST.codename, "role": "analyst"}
        assert frame["at"].endswith("Z")
    await room.do(services.acknowledge, room.cast[OPERATIVE], order.pk)
    for wire in watchers:
        frame = await told(wire, "receipt")
        assert frame["agent"]["codename"] == OPERATIVE.codename
    for wire in others:
        assert await heard(wire) == []


async def test_an_overdue_update_is_told_of_once(
    room: Room, mission: Mission, order: Update
) -> None:
    """To author and overseers, with who is missing; to nobody else."""
    handler, director = await room.enter(HANDLER), await room.enter(DIRECTOR)
    others = [await room.enter(member) for member in (ANALYST, OPERATIVE, OUTSIDER)]
    await room.do(let_pass, order)
    for wire in (handler, director):
        frame = await told(wire, "overdue")
        assert (frame["mission"], frame["update"]) == (str(mission.pk), str(order.pk))
        assert {who["codename"] for who in frame["agents"]} == {
            ANALYST.codename,
            OPERATIVE.codename,
        }
    board = oversight._of_loop[live.current().loop]
    await board.look_for_overdue()
    for wire in (handler, director, *others):
        assert await heard(wire) == []


async def test_what_nobody_here_may_be_told_of_is_left_to_others(
    room: Room, mission: Mission, order: Update
) -> None:
    """A worker without an overseer claims nothing: the frame would be lost."""
    analyst = await room.enter(ANALYST)
    await room.do(let_pass, order)
    board = oversight._of_loop[live.current().loop]
    await board.look_for_overdue()
    assert await room.do(claimed_at, order) is None
    assert await heard(analyst) == []
    handler = await room.enter(HANDLER)
    await told(handler, "overdue")


# By the present.


async def test_a_late_receipt_is_not_told_to_who_cannot_see_the_update_any_more(
    room: Room, mission: Mission, order: Update
) -> None:
    """Its event was on the way while the update was reclassified; the next one is told."""
    await room.do(set_access, room.cast[HANDLER].pk, clearance=Clearance.CONFIDENTIAL)
    draft = Draft(kind=Kind.ORDER, body="Report.", requires_ack=True)
    hidden = await room.do(services.publish, room.cast[DIRECTOR], mission.pk, draft)
    handler, director = await room.enter(HANDLER), await room.enter(DIRECTOR)
    event = publishing.receipt_event(hidden, room.cast[ANALYST], timezone.now())
    await room.do(raise_to_secret, room.cast[DIRECTOR], hidden)
    await told(handler, "subscribed")
    await told(director, "subscribed")
    publishing.announce(event)
    assert (await told(director, "receipt"))["update"] == str(hidden.pk)
    await room.do(services.acknowledge, room.cast[ANALYST], order.pk)
    first, *rest = [
        frame
        for frame in await handler.until(lambda frame: frame["type"] == "receipt")
        if frame["type"] == "receipt"
    ]
    assert (first["update"], rest) == (str(order.pk), [])


async def test_what_was_reclassified_while_it_was_read_is_read_again(
    room: Room, mission: Mission, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A socket that was reset meanwhile is not told by what the update was before."""
    await room.do(set_access, room.cast[HANDLER].pk, clearance=Clearance.CONFIDENTIAL)
    handler, director = await room.enter(HANDLER), await room.enter(DIRECTOR)
    was_read, go_on = threading.Event(), threading.Event()
    execute = CursorWrapper.execute

    def slow(self: CursorWrapper, sql: str, params: Any = None) -> Any:
        result = execute(self, sql, params)
        if '"missions_update"."id" IN' in sql and "INNER JOIN" in sql and not go_on.is_set():
            was_read.set()
            go_on.wait(10)
        return result

    monkeypatch.setattr(CursorWrapper, "execute", slow)
    (late,) = await room.do(overdue_orders, room.cast[DIRECTOR], mission, 1)
    try:
        assert await asyncio.to_thread(was_read.wait, 10)
        update = await room.do(Update.objects.get, pk=late)
        await room.do(raise_to_secret, room.cast[DIRECTOR], update)
        await told(handler, "subscribed")
    finally:
        go_on.set()
    assert (await told(director, "overdue"))["update"] == late
    (fence,) = await room.do(overdue_orders, room.cast[DIRECTOR], mission, 1)
    assert (await told(handler, "overdue"))["update"] == fence


async def test_a_worker_that_cannot_check_rights_tells_nobody(
    room: Room, order: Update, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither of receipts nor of what is overdue; both come once it can."""
    handler = await room.enter(HANDLER)
    board = oversight._of_loop[live.current().loop]
    with monkeypatch.context() as stale:
        stale.setattr(watch, "STALE_AFTER", 0.0)
        await room.do(services.acknowledge, room.cast[ANALYST], order.pk)
        await room.do(let_pass, order)
        await board.look_for_overdue()
        assert await room.do(claimed_at, order) is None
        assert await heard(handler) == []
    assert {(await told(handler, kind))["update"] for kind in ("receipt", "overdue")} == {
        str(order.pk)
    }


def raise_to_secret(director: Agent, update: Update) -> None:
    """Reclassifies it."""
    revisions.reclassify(director, update.pk, classification=Clearance.SECRET)
