"""A mission that could not be subscribed because its agent was off it for a moment: it is owed."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from pytest_django.fixtures import Settings

from agents import live, watch
from agents.models import Agent
from missions import publishing, revisions, services
from missions.models import Mission
from missions.tests.room import Room
from missions.tests.test_consumers_rights import wire_consumer
from missions.tests.test_recovery import HEAD_READ
from tests import layers
from tests.cast import ANALYST, HANDLER
from tests.database_faults import when_answered, when_asked
from tests.layers import FaultyLayer

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("unnoticed")]


@pytest.fixture
def unnoticed(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """The layer loses every notice, and nobody compares unless the test does."""
    monkeypatch.setattr(watch, "COMPARE_EVERY_ALONE", 3600.0)
    monkeypatch.setattr(watch, "OVERSLEPT", 3600.0)
    layers.use(settings, FaultyLayer).holds.add("hq.notice")


async def test_a_reset_while_the_agent_is_off_for_a_moment_leaves_no_dead_stream(
    room: Room, mission: Mission
) -> None:
    """The snapshot is refused, the agent is back before anybody compares: it is sent then."""
    update = await room.publish(HANDLER, mission, "retracted")
    wire, handler = await room.enter(ANALYST), room.cast[HANDLER]
    consumer, analyst = wire_consumer(wire), room.cast[ANALYST]
    await room.do(services.remove_member, handler, mission.pk, analyst.pk)
    await room.do(revisions.retract, handler, update.pk)
    await renumbered(consumer)
    await room.do(services.add_member, handler, mission.pk, analyst.pk)
    assert await wire.fence() == []
    await watch.current().compare()
    await wire.expect("subscribed", mission=str(mission.pk), updates=[])
    await room.publish(HANDLER, mission, "fence")
    assert (await wire.expect("update"))["update"]["body"] == "fence"


async def test_a_reset_while_the_agent_is_off_for_good_is_told_as_ever(
    room: Room, mission: Mission
) -> None:
    """What is owed and cannot be given any more is taken away with a word, once."""
    update = await room.publish(HANDLER, mission, "retracted")
    wire, handler = await room.enter(ANALYST), room.cast[HANDLER]
    await room.do(services.remove_member, handler, mission.pk, room.cast[ANALYST].pk)
    await room.do(revisions.retract, handler, update.pk)
    await renumbered(wire_consumer(wire))
    await watch.current().compare()
    await wire.expect("unsubscribed", mission=str(mission.pk), reason="access_revoked")
    await room.publish(HANDLER, mission, "unseen")
    assert await wire.fence() == []


async def test_a_mission_that_vanished_between_welcome_and_its_snapshot_comes_back(
    room: Room, mission: Mission
) -> None:
    """A client that was told of it in `welcome` gets its `subscribed` once rights are compared."""
    handler, analyst = room.cast[HANDLER], room.cast[ANALYST]
    with off_while_read(handler, analyst, mission):
        wire = await room.open(ANALYST)
        assert len((await wire.expect("welcome"))["missions"]) == 1
        assert await wire.fence() == []
    await watch.current().compare()
    await wire.expect("subscribed", mission=str(mission.pk))


async def test_a_refused_repeat_of_a_subscribe_is_made_up_for(room: Room, mission: Mission) -> None:
    """The client still holds what it held: it is subscribed again, unless it unsubscribed."""
    handler, analyst, key = room.cast[HANDLER], room.cast[ANALYST], str(mission.pk)
    wires = [await room.enter(ANALYST), await room.enter(ANALYST)]
    for wire in wires:
        with off_while_read(handler, analyst, mission):
            assert (await wire.ask("subscribe", mission=key))["code"] == "not_found"
    assert (await wires[1].ask("unsubscribe", mission=key))["reason"] == "requested"
    await watch.current().compare()
    await wires[0].expect("subscribed", mission=key)
    assert await wires[1].fence() == []


async def renumbered(consumer: Any) -> None:
    """Until the socket has taken a reset and tried to read its mission anew."""
    heard, seen = asyncio.Event(), consumer._subscriptions.missions()
    live.current().on("test.heard", lambda _: heard.set())
    live.hand_over(publishing.group_of(seen[0]), {"type": "test.heard"})
    async with asyncio.timeout(10):
        await heard.wait()
    assert not any(map(consumer._subscriptions.follows, seen))
    await asyncio.gather(*consumer._resets)


@contextmanager
def off_while_read(handler: Agent, analyst: Agent, mission: Mission) -> Iterator[None]:
    """The next reading of a history meets the database between two changes of its members."""
    with (
        when_asked(HEAD_READ, lambda: services.remove_member(handler, mission.pk, analyst.pk)),
        when_answered(HEAD_READ, lambda: services.add_member(handler, mission.pk, analyst.pk)),
    ):
        yield
