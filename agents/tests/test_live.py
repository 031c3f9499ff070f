"""The process's one channel: what comes in, what goes out, and that nobody waits for it."""

import asyncio
import threading
from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import pytest
from channels.layers import InMemoryChannelLayer, get_channel_layer
from pytest_django.fixtures import Settings

from agents import connections, live, threads, watch
from tests import layers
from tests.layers import FaultyLayer, OtherProcesses
from tests.patience import PATIENCE


@pytest.fixture
async def layer(settings: Settings) -> AsyncIterator[FaultyLayer]:
    """A layer of the test's own, closed in the end."""
    yield layers.use(settings, FaultyLayer)
    await live.aclose()


class Ears:
    """Collects events of one kind."""

    def __init__(self, kind: str) -> None:
        self._heard: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        live.current().on(kind, self._heard.put_nowait)

    async def next(self) -> dict[str, Any]:
        """The next event."""
        async with asyncio.timeout(PATIENCE):
            return await self._heard.get()


async def connected() -> live.Live:
    """The loop's channel once it hears itself."""
    channel, heard = live.current(), asyncio.Event()
    channel.on("test.connected", lambda _: heard.set())
    async with asyncio.timeout(PATIENCE):
        while not heard.is_set():
            live.hand_over(live.NOTICES, {"type": "test.connected"})
            await asyncio.sleep(0)
    return channel


async def test_a_notice_reaches_the_handler_of_its_kind(layer: FaultyLayer) -> None:
    """Handed over in the loop or in any thread, it comes out of the layer."""
    ears = Ears("hq.notice")
    await connected()
    agent, session = uuid4(), uuid4()
    live.notify_agents([agent])
    assert (await ears.next())["agents"] == [str(agent)]
    thread = threading.Thread(target=live.notify_sessions, args=([session],))
    thread.start()
    assert (await ears.next())["sessions"] == [str(session)]
    thread.join()


async def test_only_subscribed_groups_are_heard(
    layer: FaultyLayer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is sent to another group, or after leaving, is not."""
    monkeypatch.setattr(live, "HEARTBEAT_EVERY", 0.01)
    monkeypatch.setattr(live, "HEARTBEATS_MISSING", 1_000)
    ears, channel = Ears("test.event"), await connected()
    await channel.subscribe("mine")
    live.hand_over("other", {"type": "test.event", "number": 1})
    live.hand_over("mine", {"type": "test.event", "number": 2})
    assert (await ears.next())["number"] == 2
    channel.unsubscribe("mine")
    await layer.left("mine")
    live.hand_over("mine", {"type": "test.event", "number": 3})
    live.hand_over(live.NOTICES, {"type": "test.event", "number": 4})
    assert (await ears.next())["number"] == 4


async def test_an_event_that_is_not_understood_harms_no_other(
    layer: FaultyLayer, caplog: pytest.LogCaptureFixture
) -> None:
    """A failing handler is logged; the next event is handled."""
    ears, channel = Ears("test.event"), await connected()

    def fail(_: dict[str, Any]) -> None:
        raise ValueError

    channel.on("test.bad", fail)
    live.hand_over(live.NOTICES, {"type": "test.bad", "secret": "body"})
    live.hand_over(live.NOTICES, {"type": "test.event"})
    await ears.next()
    assert "test.bad" in caplog.text


async def test_a_group_that_could_not_be_joined_is_joined_later(
    layer: FaultyLayer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A layer that was away for a moment does not leave a mission deaf."""
    monkeypatch.setattr(live, "HEARTBEAT_EVERY", 0.01)
    monkeypatch.setattr(live, "HEARTBEATS_MISSING", 1_000)
    ears, channel = Ears("test.event"), await connected()
    layer.refuses_groups = True
    await channel.subscribe("mine")
    layer.refuses_groups = False
    await layer.joined("mine")
    live.hand_over("mine", {"type": "test.event"})
    await ears.next()


@pytest.mark.parametrize("which", ["the one that is being left", "the one that is left next"])
async def test_a_group_that_is_wanted_again_while_groups_are_left_is_heard(
    layer: FaultyLayer, monkeypatch: pytest.MonkeyPatch, which: str
) -> None:
    """What was to be left when the leaving began counts for nothing once it is wanted again."""
    monkeypatch.setattr(live, "HEARTBEAT_EVERY", 0.01)
    monkeypatch.setattr(live, "HEARTBEATS_MISSING", 1_000)
    ears, channel = Ears("test.event"), await connected()
    groups = {"first", "second"}
    for group in groups:
        await channel.subscribe(group)
    layer.may_leave.clear()
    for group in groups:
        channel.unsubscribe(group)
    async with asyncio.timeout(PATIENCE):
        being_left = await layer.leaving.get()
    (next_left,) = groups - {being_left}
    wanted = being_left if which == "the one that is being left" else next_left
    await channel.subscribe(wanted)
    channel.unsubscribe("fence")
    layer.may_leave.set()
    await layer.left("fence")
    while channel._not_joined:
        await layer.joined(wanted)
    live.hand_over(wanted, {"type": "test.event", "number": 1})
    live.hand_over(live.NOTICES, {"type": "test.event", "number": 2})
    assert (await ears.next())["number"] == 1


async def test_only_the_first_of_many_joins_waits_for_a_layer_that_hangs(
    layer: FaultyLayer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A socket on fifty missions is not held up for fifty times the patience."""
    monkeypatch.setattr(live, "SEND_WITHIN", 0.05)
    channel = await connected()
    layer.hangs = True
    for number in range(50):
        await channel.subscribe(f"group-{number}")
    assert layer.hanging_joins == 1
    assert len(channel._not_joined) == 50


async def test_a_layer_that_hangs_holds_nobody_up(
    layer: FaultyLayer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An event that takes too long is dropped, and what comes after it is sent."""
    monkeypatch.setattr(live, "SEND_WITHIN", 0.05)
    ears = Ears("test.event")
    await connected()
    layer.hangs = True
    live.hand_over(live.NOTICES, {"type": "test.event", "number": 1})
    async with asyncio.timeout(PATIENCE):
        await layer.gave_up.wait()
    layer.hangs = False
    live.hand_over(live.NOTICES, {"type": "test.event", "number": 2})
    assert (await ears.next())["number"] == 2


async def test_the_outbox_is_bounded(layer: FaultyLayer, monkeypatch: pytest.MonkeyPatch) -> None:
    """What does not fit is dropped without a word to the writer."""
    channel = await connected()
    layer.hangs = True
    for number in range(live.OUTBOX + 50):
        channel.put(live.NOTICES, {"type": "test.event", "number": number})
    assert channel._outbox.qsize() == live.OUTBOX


async def test_it_connects_anew_when_its_heartbeat_does_not_come_back(
    layer: FaultyLayer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When the layer has forgotten it, it hears again by itself."""
    monkeypatch.setattr(live, "HEARTBEAT_EVERY", 0.02)
    monkeypatch.setattr(live, "HEARTBEATS_MISSING", 3)
    channel = await connected()
    await channel.subscribe("mine")
    silenced = channel._channel
    layer.silent = True
    await layer.joined("mine", but=silenced)
    layer.silent = False
    ears = Ears("test.event")
    assert silenced not in layer.groups.get("mine", {})
    live.hand_over("mine", {"type": "test.event"})
    await ears.next()


async def test_health_is_hearing_oneself(
    layer: FaultyLayer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not before the first connection, then yes, and no longer when beats are missed."""
    channel = live.current()
    assert not live.healthy()
    await connected()
    assert live.healthy()
    monkeypatch.setattr(live, "READY_WITHIN", 0)
    assert not channel.healthy


async def test_closing_ends_all_parts_and_leaves_the_layer(
    layer: FaultyLayer, caplog: pytest.LogCaptureFixture
) -> None:
    """Each part is closed once, the last first, whatever becomes of another."""
    channel, ended = await connected(), []

    async def first() -> None:
        ended.append("first")

    async def failing() -> None:
        raise RuntimeError

    channel.on_close(first)
    channel.on_close(failing)
    await live.aclose()
    await live.aclose()
    assert ended == ["first"]
    assert layer.groups == {}
    assert live.current() is not channel


async def test_closing_ends_though_a_wait_is_just_over(layer: FaultyLayer) -> None:
    """A cancellation that meets the very moment of an event is not lost."""
    for _ in range(20):
        channel = await connected()
        channel.put(live.NOTICES, {"type": "test.event"})
        async with asyncio.timeout(PATIENCE):
            await live.aclose()


def test_without_a_loop_an_event_in_memory_is_dropped() -> None:
    """A command reaches no sockets through memory, and does not fail for it."""
    live.notify_agents([uuid4()])
    assert isinstance(get_channel_layer(), InMemoryChannelLayer)


def test_without_a_loop_an_event_is_sent_once(settings: Settings) -> None:
    """A command publishes for itself where the layer reaches other processes."""
    others = layers.use(settings, OtherProcesses)
    others.fails = {"test.fails"}
    live.hand_over("group", {"type": "test.event"})
    live.hand_over("group", {"type": "test.fails"})
    assert others.sent == [("group", {"type": "test.event"}), ("group", {"type": "test.fails"})]


@pytest.mark.django_db(transaction=True)
async def test_what_heals_does_not_wait_for_the_register(monkeypatch: pytest.MonkeyPatch) -> None:
    """All threads of commands are busy, and the other hooks of the comparison run."""
    monkeypatch.setattr(threads, "DEADLINE", 3600.0)
    connections.Register(follows=uuid4())
    go_on, hooks = threading.Event(), asyncio.Queue[None]()

    async def hook() -> None:
        hooks.put_nowait(None)

    watch.current().after_comparison(hook)
    busy = [asyncio.create_task(threads.in_command_thread(go_on.wait, 60)) for _ in range(8)]
    try:
        async with asyncio.timeout(PATIENCE):
            for _ in range(3):
                await hooks.get()
    finally:
        go_on.set()
        await asyncio.gather(*busy)
        await live.aclose()
