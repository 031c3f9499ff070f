"""Receipts and overdue updates: told to who oversees, and to nobody else."""

import asyncio
import datetime as dt
import json
import threading
from collections.abc import AsyncIterator
from typing import Any
from typing import cast as typed
from uuid import UUID, uuid4

import pytest
from django.db.backends.utils import CursorWrapper
from django.utils import timezone

from agents import live, watch
from agents.models import Agent
from agents.roles import Clearance, Role, Viewer
from agents.tests.wire import Frame, Wire
from missions import overdue, oversight, services
from missions.audiences import Audience, stream_for
from missions.drafts import Draft
from missions.feeds import Listener, MissionFeed, Place, Subscription
from missions.models import Mission, Update
from missions.protocol import Kind
from missions.tests.room import Room
from tests.cast import ANALYST, DIRECTOR, HANDLER, NOVICE, OPERATIVE, OUTSIDER, Member

pytestmark = pytest.mark.django_db(transaction=True)

SECOND = dt.timedelta(seconds=1)


@pytest.fixture
async def room(cast: dict[Member, Agent], mission: Mission) -> AsyncIterator[Room]:
    """The cast, with a mission that the handler, the analyst and two operatives are on."""
    room = Room(cast)
    yield room
    await room.aclose()


@pytest.fixture
def order(cast: dict[Member, Agent], mission: Mission) -> Update:
    """An order to acknowledge within a minute, at the mission's own classification."""
    draft = Draft(kind=Kind.ORDER, body="Report.", requires_ack=True, ack_within=60)
    return services.publish(cast[HANDLER], mission.pk, draft)


def let_pass(update: Update) -> None:
    """The time for acknowledging is over."""
    Update.objects.filter(pk=update.pk).update(ack_due_at=timezone.now() - SECOND)


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


async def heard(wire: Wire) -> list[Frame]:
    """What of it came before the answer to a ping."""
    wire.send("ping", id="fence")
    frames: list[Frame] = []
    while not frames or frames[-1]["type"] != "pong":
        frames.append(json.loads((await wire._next())["text"]))
    return [frame for frame in frames if frame["type"] in ("receipt", "overdue")]


async def told(wire: Wire, kind: str) -> Frame:
    """The next frame of that type."""
    return (await wire.until(lambda frame: frame["type"] == kind))[-1]


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


async def test_a_claim_of_another_worker_is_told_here_too(room: Room, order: Update) -> None:
    """Every worker reads the claims: one that died after claiming loses nothing."""
    handler = await room.enter(HANDLER)
    await oversight._of_loop[live.current().loop].look_for_overdue()
    await room.do(claim_at_once, order.pk)
    assert (await told(handler, "overdue"))["update"] == str(order.pk)


async def test_a_worker_that_begins_does_not_tell_again(room: Room, order: Update) -> None:
    """What was claimed before it followed anything has been told."""
    await room.do(claim_at_once, order.pk)
    handler = await room.enter(HANDLER)
    await oversight._of_loop[live.current().loop].look_for_overdue()
    assert await heard(handler) == []


async def test_many_are_told_of_a_hundred_a_look(room: Room, mission: Mission) -> None:
    """Each look claims so many and no more; in the end each was told of once."""
    handler = await room.enter(HANDLER)
    board = oversight._of_loop[live.current().loop]
    async with board._looking:
        orders = await room.do(overdue_orders, room.cast[HANDLER], mission, 120)
    seen: list[str] = []
    while len(seen) < len(orders):
        seen += [frame["update"] for frame in await heard(handler) if frame["type"] == "overdue"]
        assert len(seen) in (0, overdue.CLAIMED_MOST, len(orders))
        await board.look_for_overdue()
    assert sorted(seen) == sorted(orders)
    assert await heard(handler) == []


async def test_neither_healing_nor_leases_wait_for_overdue_updates(
    room: Room, order: Update, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A look that takes long holds up no other hook of the comparison."""
    stuck, go_on, hooks = threading.Event(), threading.Event(), asyncio.Queue[int]()
    execute = CursorWrapper.execute

    def slow(self: CursorWrapper, sql: Any, params: Any = None) -> Any:
        if '"ack_due_at" <=' in sql and not go_on.is_set():
            stuck.set()
            go_on.wait(10)
        return execute(self, sql, params)

    async def hook() -> None:
        hooks.put_nowait(0)

    monkeypatch.setattr(CursorWrapper, "execute", slow)
    handler = await room.enter(HANDLER)
    watch.current().after_comparison(hook)
    try:
        await asyncio.to_thread(stuck.wait, 10)
        for _ in range(2 + hooks.qsize()):
            async with asyncio.timeout(10):
                await hooks.get()
        assert not go_on.is_set()
    finally:
        go_on.set()
    await room.do(let_pass, order)
    await told(handler, "overdue")


async def test_a_mission_that_is_followed_later_brings_no_old_claims(
    room: Room, mission: Mission, order: Update
) -> None:
    """They were told of elsewhere, perhaps to the same agent; what is claimed from then on is."""
    other = await room.do(
        services.create_mission, room.cast[HANDLER], "Other", "", Clearance.CONFIDENTIAL
    )
    handler = await room.enter(HANDLER, query=f"missions={other.pk}")
    board = oversight._of_loop[live.current().loop]
    await board.look_for_overdue()
    await room.do(claim_at_once, order.pk)
    await handler.ask("subscribe", mission=str(mission.pk))
    await board.look_for_overdue()
    assert await heard(handler) == []
    (late,) = await room.do(overdue_orders, room.cast[HANDLER], mission, 1)
    assert (await told(handler, "overdue"))["update"] == late


async def test_a_claim_between_a_socket_and_the_next_look_is_told(
    room: Room, mission: Mission, order: Update
) -> None:
    """The worker follows the mission from when somebody came, not from when it first looked."""
    watcher = await room.enter(HANDLER, query="missions=none")
    board = oversight._of_loop[live.current().loop]
    async with board._looking:
        await watcher.ask("subscribe", mission=str(mission.pk))
        await room.do(claim_at_once, order.pk)
    assert (await told(watcher, "overdue"))["update"] == str(order.pk)


async def test_a_claim_of_a_worker_that_died_is_told_after_the_restart(
    room: Room, order: Update
) -> None:
    """Once, as soon as the claim has ended: nobody else told of it."""
    await room.do(claim_at_once, order.pk)
    handler = await room.enter(HANDLER)
    board = oversight._of_loop[live.current().loop]
    await board.look_for_overdue()
    assert await heard(handler) == []
    await room.do(end_claim, order.pk)
    assert (await told(handler, "overdue"))["update"] == str(order.pk)
    await room.do(end_claim, order.pk)
    await board.look_for_overdue()
    assert await heard(handler) == []


async def test_a_claim_made_anew_is_told_to_those_alone_who_were_not(
    room: Room, order: Update
) -> None:
    """Who read it from the worker that died hears it no second time."""
    handler = await room.enter(HANDLER)
    board = oversight._of_loop[live.current().loop]
    await room.do(claim_at_once, order.pk)
    await told(handler, "overdue")
    director = await room.enter(DIRECTOR)
    await room.do(end_claim, order.pk)
    assert (await told(director, "overdue"))["update"] == str(order.pk)
    await board.look_for_overdue()
    for wire in (handler, director):
        assert await heard(wire) == []


def end_claim(update_id: UUID) -> None:
    """The claim was made so long ago that it ended, unless it was settled."""
    aged = timezone.now() - overdue.CLAIM_LASTS - SECOND
    Update.objects.filter(pk=update_id).update(overdue_at=aged)


def overdue_orders(handler: Agent, mission: Mission, number: int) -> list[str]:
    """So many orders whose time is over; their ids."""
    draft = Draft(kind=Kind.ORDER, body="Report.", requires_ack=True, ack_within=60)
    made = [services.publish(handler, mission.pk, draft) for _ in range(number)]
    for one in made:
        let_pass(one)
    return [str(one.pk) for one in made]


def claim_at_once(update_id: UUID) -> None:
    """Another worker finds it overdue and claims it."""
    let_pass(Update.objects.get(pk=update_id))
    overdue.claim([update_id])
