"""Rights that change under an open socket: what is cut at once, and what the client is told."""

import asyncio
from typing import Any

import pytest
from pytest_django.fixtures import Settings

from agents import sessions, threads, watch
from agents.protocol import Pong
from agents.roles import Clearance, Role
from agents.tests.wire import Wire
from missions import services, switchboard
from missions.access import read_access
from missions.models import Mission
from missions.tests.room import Room, bodies, is_body, set_access
from tests import layers
from tests.cast import ANALYST, DIRECTOR, HANDLER, OPERATIVE, OUTSIDER
from tests.layers import FaultyLayer

pytestmark = pytest.mark.django_db(transaction=True)


async def test_a_lowered_role_moves_the_socket_to_its_new_stream(
    room: Room, mission: Mission
) -> None:
    """`access_changed`, then a new snapshot on the same socket, without what it may not see."""
    await room.publish(HANDLER, mission, "for analysts", roles=frozenset({Role.ANALYST}))
    await room.publish(HANDLER, mission, "for all")
    wire = await room.enter(ANALYST)
    await room.do(set_access, room.cast[ANALYST].pk, role=Role.FIELD_OPERATIVE)
    await wire.expect("access_changed", role="field-operative", clearance="secret")
    await wire.expect("mission")
    page = await wire.expect("subscribed", mission=str(mission.pk), recovered=False, seq=1)
    assert [one["update"]["body"] for one in page["updates"]] == ["for all"]
    await room.publish(HANDLER, mission, "analysts again", roles=frozenset({Role.ANALYST}))
    await room.publish(HANDLER, mission, "fence")
    assert bodies(await wire.until(is_body("fence"))) == ["fence"]


async def test_unassigned_and_assigned_again(room: Room, mission: Mission) -> None:
    """The mission is taken away with a word, and comes back with a snapshot."""
    wire, handler = await room.enter(ANALYST), room.cast[HANDLER]
    key, analyst = str(mission.pk), room.cast[ANALYST]
    await room.do(services.remove_member, handler, mission.pk, analyst.pk)
    await wire.expect("unsubscribed", mission=key, reason="access_revoked")
    await room.publish(HANDLER, mission, "unseen")
    assert (await wire.ask("subscribe", mission=key))["code"] == "not_found"
    await room.do(services.add_member, handler, mission.pk, analyst.pk)
    assert (await wire.expect("mission"))["mission"]["id"] == key
    page = await wire.expect("subscribed", mission=key)
    assert [one["update"]["body"] for one in page["updates"]] == ["unseen"]


async def test_a_right_taken_and_given_back_in_one_breath_leaves_no_dead_stream(
    room: Room, mission: Mission
) -> None:
    """A revision that was overtaken before it was told must not leave a mission without updates."""
    wire, handler = await room.enter(ANALYST), room.cast[HANDLER]
    consumer = wire_consumer(wire)
    analyst = room.cast[ANALYST].pk
    async with consumer._turn:  # a client that is slow to be told anything
        taken = await read_after(room, services.remove_member, handler, mission.pk, analyst)
        consumer.cut(taken)
        given = await read_after(room, services.add_member, handler, mission.pk, analyst)
        consumer.cut(given)
    await consumer.rescope(taken)
    await consumer.rescope(given)
    await room.publish(HANDLER, mission, "fence")
    assert "fence" in bodies(await wire.until(is_body("fence")))


async def test_rights_that_change_while_a_client_is_told_of_others_are_told_once(
    room: Room, mission: Mission, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is said by rights that were overtaken, and nothing is left out by the newer ones."""
    monkeypatch.setattr(watch, "COMPARE_EVERY_ALONE", 3600.0)
    layers.use(settings, FaultyLayer).holds.add("hq.notice")
    wire, handler, analyst = await room.enter(ANALYST), room.cast[HANDLER], room.cast[ANALYST]
    consumer = wire_consumer(wire)
    wire.stop_reading()
    consumer.outgoing.send(Pong(id="x" * 300_000))

    def another() -> str:
        made = services.create_mission(handler, "Another", "", Clearance.RESTRICTED)
        services.add_member(handler, made.pk, analyst.pk)
        return str(made.pk)

    tasks = []
    for change in (another, lambda: services.change_mission(handler, mission.pk, codename="Newer")):
        access = await read_after(room, change)
        consumer.cut(access)
        tasks.append(asyncio.create_task(consumer.rescope(access)))
        await asyncio.sleep(0)
    wire.read_again()
    await asyncio.gather(*tasks)
    await wire.expect("pong")
    frames = await wire.fence()
    assert [frame["type"] for frame in frames] == ["mission", "subscribed", "mission"]
    assert [frame["mission"]["codename"] for frame in frames[::2]] == ["Another", "Newer"]


async def test_nothing_comes_between_the_change_and_the_new_snapshot(
    room: Room, mission: Mission, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also of a stream that a subscribe joined by the new rights before the socket was told."""
    monkeypatch.setattr(watch, "COMPARE_EVERY_ALONE", 3600.0)
    layers.use(settings, FaultyLayer).holds.add("hq.notice")
    wire, other = await room.enter(ANALYST), await room.enter(HANDLER)
    consumer, analyst = wire_consumer(wire), room.cast[ANALYST].pk
    access = await read_after(room, set_access, analyst, role=Role.FIELD_OPERATIVE)
    assert (await wire.ask("subscribe", mission=str(mission.pk)))["type"] == "subscribed"
    wire.stop_reading()
    consumer.outgoing.send(Pong(id="x" * 300_000))
    consumer.cut(access)
    telling = asyncio.create_task(consumer.rescope(access))
    await asyncio.sleep(0)
    await room.publish(HANDLER, mission, "meanwhile")
    await other.until(is_body("meanwhile"))
    await other.fence()
    wire.read_again()
    await telling
    await wire.expect("pong")
    frames = await wire.fence()
    assert [one["type"] for one in frames] == ["access_changed", "mission", "subscribed"]
    assert [one["update"]["body"] for one in frames[-1]["updates"]] == ["meanwhile"]


async def test_a_reclassified_mission_disappears_for_who_is_cleared_too_low(
    room: Room, mission: Mission
) -> None:
    """And stays, without a new numbering, for who is cleared."""
    operative, analyst = await room.enter(OPERATIVE), await room.enter(ANALYST)
    await room.do(
        services.change_mission, room.cast[HANDLER], mission.pk, classification=Clearance.SECRET
    )
    await operative.expect("unsubscribed", mission=str(mission.pk), reason="access_revoked")
    changed = await analyst.expect("mission")
    assert changed["mission"]["classification"] == "secret"
    await room.publish(HANDLER, mission, "fence")
    assert (await analyst.expect("update"))["seq"] == 1
    assert await operative.fence() == []


async def test_a_new_mission_appears(room: Room) -> None:
    """To its creator and to directors, with its subscription; not to the outsider."""
    handler, director = await room.enter(HANDLER), await room.enter(DIRECTOR)
    outsider = await room.enter(OUTSIDER)
    made = await room.do(
        services.create_mission, room.cast[HANDLER], "New", "", Clearance.RESTRICTED
    )
    for wire in (handler, director):
        assert (await wire.expect("mission"))["mission"]["id"] == str(made.pk)
        await wire.expect("subscribed", mission=str(made.pk))
    assert await outsider.fence() == []


async def test_a_new_mission_is_only_announced_where_the_url_chose(room: Room) -> None:
    """Who chose by URL subscribes by itself."""
    wire = await room.enter(HANDLER, query="missions=none")
    await room.do(services.create_mission, room.cast[HANDLER], "New", "", Clearance.RESTRICTED)
    await wire.expect("mission")
    assert await wire.fence() == []


async def test_an_ended_session_closes_its_sockets_and_no_others(room: Room) -> None:
    """4003 at once; another session of the same agent stays."""
    session = await room.session(ANALYST)
    ended, other = await room.enter(session), await room.enter(ANALYST)
    await room.do(sessions.end_session, session.pk, "logout")
    assert (await ended.close())[0] == 4003
    assert await other.fence() == []


async def test_a_disabled_agent_is_cut_off(room: Room) -> None:
    """All sockets of the agent close with 4003."""
    wires = [await room.enter(ANALYST), await room.enter(ANALYST)]
    await room.do(set_access, room.cast[ANALYST].pk, is_active=False)
    assert [(await wire.close())[0] for wire in wires] == [4003, 4003]


async def test_nothing_sent_after_the_session_ended_is_done(room: Room, mission: Mission) -> None:
    """Frames that lie unread behind the end of a session have no effect."""
    session = await room.session(ANALYST)
    wire = await room.enter(session)
    consumer = wire_consumer(wire)
    consumer.session_ended()
    wire.send("publish", mission=str(mission.pk), kind="report", body="too late")
    assert (await wire.close())[0] == 4003
    await wire.task
    assert await room.do(mission.updates.count) == 0


async def test_a_socket_that_cannot_be_rescoped_is_closed(
    room: Room, mission: Mission, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rather closed, so that the client resumes, than open without its missions."""
    wire = await room.enter(ANALYST)
    consumer = wire_consumer(wire)
    with monkeypatch.context() as patch:
        async with consumer._turn:
            changed = await read_after(room, set_access, consumer.agent_id, role=Role.HANDLER)
            consumer.cut(changed)
            patch.setattr(threads, "DEADLINE", 0.0)
        await consumer.rescope(changed)
    assert (await wire.close())[0] == 1013


async def test_a_client_that_left_leaves_no_place_behind(room: Room, mission: Mission) -> None:
    """Not even when its rights change at that very moment."""
    wire = await room.enter(ANALYST)
    consumer = wire_consumer(wire)
    changed = await read_after(room, set_access, room.cast[ANALYST].pk, role=Role.HANDLER)
    await wire.ended()
    await consumer.rescope(changed)
    assert switchboard.current().subscriptions(str(mission.pk)) == []


async def test_rights_are_cut_though_the_client_does_not_read(room: Room, mission: Mission) -> None:
    """What waits unread is dropped with the connection, and nothing secret leaves any more."""
    wire = await room.enter(ANALYST)
    fence = await room.enter(HANDLER)
    wire.stop_reading()
    for n in range(3):
        await room.publish(HANDLER, mission, f"secret {n}", classification=Clearance.SECRET)
    await fence.until(is_body("secret 2"))
    await room.do(set_access, room.cast[ANALYST].pk, clearance=Clearance.RESTRICTED)
    await fence_revision(wire)
    wire.read_again()
    code, _ = await wire.close()
    assert code == 1012


async def fence_revision(wire: Wire) -> None:
    """Until the socket has taken its new rights, or is closed."""
    consumer = wire_consumer(wire)
    while not consumer.outgoing.closed:
        await watch.current().compare()


async def read_after(room: Room, change: Any, *args: Any, **kwargs: Any) -> Any:
    """Makes a change and reads the analyst's rights after it."""

    def work() -> Any:
        change(*args, **kwargs)
        analyst = room.cast[ANALYST].pk
        return read_access([analyst])[analyst]

    return await room.do(work)


def wire_consumer(wire: Wire) -> Any:
    """The consumer at the other end of a socket, as the watch holds it."""
    sockets = {one for group in watch.current()._sockets.values() for one in group}
    return next(
        one for one in sockets if getattr(one, "scope", {}).get("headers") is wire.scope["headers"]
    )
