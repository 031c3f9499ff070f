"""Claims of overdue updates as sockets see them: whichever worker made one, told once."""

import asyncio
import threading
from typing import Any
from uuid import UUID

import pytest
from django.db.backends.utils import CursorWrapper
from django.utils import timezone

from agents import live, watch
from agents.roles import Clearance
from missions import overdue, oversight, services, switchboard
from missions.models import Mission, Update
from missions.tests.overseeing import SECOND, heard, let_pass, overdue_orders, told
from missions.tests.room import Room
from tests.cast import DIRECTOR, HANDLER

pytestmark = pytest.mark.django_db(transaction=True)


async def test_a_claim_of_another_worker_is_told_here_too(room: Room, order: Update) -> None:
    """Every worker reads the claims: one that died after claiming loses nothing."""
    handler = await room.enter(HANDLER)
    await oversight._of_loop[live.current().loop].look_for_overdue()
    await room.do(claim_at_once, order.pk)
    assert (await told(handler, "overdue"))["update"] == str(order.pk)


async def test_a_worker_that_begins_does_not_tell_again(room: Room, order: Update) -> None:
    """What was claimed before it followed anything has been told."""
    await room.do(claim_before, order.pk)
    handler = await room.enter(HANDLER)
    await oversight._of_loop[live.current().loop].look_for_overdue()
    assert await heard(handler) == []


async def test_many_are_told_of_so_many_a_look(
    room: Room, mission: Mission, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each look claims so many and no more; in the end each was told of once."""
    monkeypatch.setattr(overdue, "CLAIMED_MOST", 5)
    handler = await room.enter(HANDLER)
    board = oversight._of_loop[live.current().loop]
    async with board._looking:
        orders = await room.do(overdue_orders, room.cast[HANDLER], mission, 8)
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
    await room.do(claim_before, order.pk)
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


async def test_who_reads_its_history_again_is_told_once_it_has(room: Room, order: Update) -> None:
    """A reset at that moment takes the socket out of its stream until the snapshot is sent."""
    handler = await room.enter(HANDLER)
    board = oversight._of_loop[live.current().loop]
    (place,) = switchboard.current().subscriptions(str(order.mission_id))
    switchboard.current().leave(place)
    await room.do(claim_at_once, order.pk)
    await room.do(overdue.settle, [order.pk])
    await board.look_for_overdue()
    assert await heard(handler) == []
    place.on_reset()
    await told(handler, "subscribed")
    assert (await told(handler, "overdue"))["update"] == str(order.pk)
    await board.look_for_overdue()
    assert await heard(handler) == []


async def test_who_comes_after_the_claim_is_not_told(room: Room, order: Update) -> None:
    """It may have been told on the worker that it came from."""
    handler = await room.enter(HANDLER)
    board = oversight._of_loop[live.current().loop]
    (place,) = switchboard.current().subscriptions(str(order.mission_id))
    place.since -= 10
    place.feed.since -= 10
    async with board._looking:
        await room.do(claim_before, order.pk)
        director = await room.enter(DIRECTOR)
    assert (await told(handler, "overdue"))["update"] == str(order.pk)
    await board.look_for_overdue()
    assert await heard(director) == []


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


def claim_at_once(update_id: UUID) -> None:
    """Another worker finds it overdue and claims it."""
    let_pass(Update.objects.get(pk=update_id))
    overdue.claim([update_id])


def claim_before(update_id: UUID) -> None:
    """Another worker claimed it some seconds ago: in a moment's doubt a claim is told again."""
    claim_at_once(update_id)
    Update.objects.filter(pk=update_id).update(overdue_at=timezone.now() - 5 * SECOND)


def end_claim(update_id: UUID) -> None:
    """The claim was made so long ago that it ended, unless it was settled."""
    aged = timezone.now() - overdue.CLAIM_LASTS - SECOND
    Update.objects.filter(pk=update_id).update(overdue_at=aged)
