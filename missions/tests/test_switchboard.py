"""Fan-out in one worker: whatever the layer loses, delays or doubles, everybody gets its stream."""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence

import pytest
from django.db import OperationalError, transaction
from pytest_django.fixtures import Settings

from agents import live, sessions, threads, watch
from agents.models import Agent
from agents.roles import Clearance, Role
from missions import publishing, services, switchboard
from missions.drafts import Draft
from missions.models import Change, Mission
from missions.protocol import Kind
from missions.tests.fan_out import Listener, Watched, Worker
from tests import database_faults, layers
from tests.cast import ANALYST, HANDLER, Member
from tests.layers import FaultyLayer
from tests.patience import PATIENCE

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
async def worker(
    cast: dict[Member, Agent], mission: Mission, settings: Settings
) -> AsyncIterator[Worker]:
    """A worker in the layer, which holds back what happens on missions."""
    layer = layers.use(settings, FaultyLayer)
    layer.holds = {publishing.UPDATE_EVENT}
    worker = Worker(cast, mission, layer)
    await layer.joined(live.NOTICES)
    yield worker
    await live.aclose()


@pytest.fixture
def no_comparison(monkeypatch: pytest.MonkeyPatch) -> None:
    """After the first, none comes in the time of a test."""
    monkeypatch.setattr(watch, "COMPARE_EVERY_ALONE", 3600.0)


async def test_a_lost_event_is_healed_when_the_next_one_comes(
    no_comparison: None, worker: Worker
) -> None:
    """The hole is waited for, and then read from the database."""
    listener = await worker.follow()
    await worker.publish("lost")
    await worker.deliver(await worker.publish("arrives"))
    await listener.until("arrives")
    assert listener.bodies == ["lost", "arrives"]
    assert listener.seqs == [1, 2]


async def test_what_is_lost_without_a_successor_is_healed_by_comparing(worker: Worker) -> None:
    """The comparison finds that the database is ahead."""
    listener = await worker.follow()
    for number in range(3):
        await worker.publish(f"lost {number}")
    await listener.until("lost 2")
    assert listener.seqs == [1, 2, 3]


async def test_doubles_and_stragglers_change_nothing(worker: Worker) -> None:
    """In any order and twice, each leaves once and in its place."""
    listener = await worker.follow()
    events = [await worker.publish(str(number)) for number in range(4)]
    for index in (1, 0, 0, 3, 1, 2, 3):
        await worker.deliver(events[index])
    await listener.until("3")
    assert listener.bodies == ["0", "1", "2", "3"]


async def test_another_stream_hears_nothing_of_what_it_may_not_see(worker: Worker) -> None:
    """Healed or live, an update goes to the streams that have a number for it."""
    analyst, operative = await worker.follow(), await worker.follow(stream=12)
    await worker.publish("secret, healed", classification=Clearance.SECRET)
    await worker.deliver(await worker.publish("analysts", roles=frozenset({Role.ANALYST})))
    await worker.deliver(await worker.publish("restricted?"))
    await analyst.until("restricted?")
    director = await worker.follow(stream=3)
    await worker.deliver(await worker.publish("last", classification=Clearance.SECRET))
    await director.until("last")
    assert analyst.bodies == ["secret, healed", "analysts", "restricted?", "last"]
    assert operative.bodies == []


async def test_a_stale_worker_sends_nothing(worker: Worker) -> None:
    """Until rights are compared again; then it heals what it held back."""
    listener, watching = await worker.follow(), watch.current()
    session = await threads.in_command_thread(sessions.open_session, worker.cast[ANALYST])
    watching.add(Watched(session))
    with database_faults.failing('FROM "agents_session"'):
        with pytest.raises(OperationalError):
            await watching.compare()
        watching._compared_at = time.monotonic() - watch.STALE_AFTER
        await worker.deliver(await worker.publish("held back"))
        await worker.board.compare()
        await worker.fence()
        assert listener.bodies == []
    await watching.compare()
    await worker.board.compare()
    await listener.until("held back")


async def test_what_was_read_while_rights_changed_is_not_sent(
    no_comparison: None, worker: Worker
) -> None:
    """A notice may come while healing reads: the comparison that follows heals."""
    listener, watching = await worker.follow(), watch.current()

    def notice() -> None:
        watching._compared_at = time.monotonic() - watch.STALE_AFTER

    await worker.publish("held back")
    with database_faults.when_asked('FROM "missions_change"', notice):
        await worker.board.compare()
        await worker.fence()
        assert not watching.fresh
        assert listener.bodies == []
    await watching.compare()
    await worker.board.compare()
    await listener.until("held back")


async def test_a_log_that_cannot_be_read_on_is_read_anew(worker: Worker) -> None:
    """Where change rows were pruned the histories are read again: no hole, no endless healing."""
    listener = await worker.follow()
    for number in range(3):
        await worker.publish(str(number))
    rows = Change.objects.filter(mission=worker.mission, position__lte=2)
    await threads.in_command_thread(rows.delete)
    await worker.board.compare()
    await listener.until(None)
    assert (listener.bodies, listener.resets) == ([], 1)
    again = await worker.follow()
    await worker.deliver(await worker.publish("after"))
    await again.until("after")


async def test_one_missions_failed_healing_is_its_own(
    worker: Worker, caplog: pytest.LogCaptureFixture
) -> None:
    """The others are healed in the same comparison."""
    other = await threads.in_command_thread(
        services.create_mission, worker.cast[HANDLER], "Other", "", Clearance.RESTRICTED
    )
    damaged, listener = worker.mission, await worker.follow()
    worker.mission = other
    healed = await worker.follow(stream=6)

    def publish_unreadably() -> None:
        with transaction.atomic():
            draft = Draft(kind=Kind.REPORT, body="a")
            services.publish(worker.cast[HANDLER], damaged.pk, draft)
            Change.objects.filter(mission=damaged).update(epochs={})

    await threads.in_command_thread(publish_unreadably)
    await worker.publish("b")
    await worker.board.compare()
    await healed.until("b")
    assert "healing failed (KeyError)" in caplog.text
    assert listener.bodies == []


async def test_a_mission_that_cannot_be_healed_shows_as_a_lag(
    worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Though every comparison comes round: counted from when it was behind, until it is whole."""
    listener = await worker.follow()
    await worker.publish("unreadable")
    rows = Change.objects.filter(mission=worker.mission)
    epochs = (await threads.in_command_thread(rows.get)).epochs
    await threads.in_command_thread(rows.update, epochs={})
    await worker.board.compare()
    assert not watch.lagging()
    monkeypatch.setattr(watch, "LAG_MOST", 0.0)
    watching = watch.current()
    watching._followed_at = time.monotonic() + 3600
    assert watch.lagging()
    await threads.in_command_thread(rows.update, epochs=epochs)
    await worker.board.compare()
    await listener.until("unreadable")
    assert not watch.lagging()


async def test_a_listener_that_fails_harms_no_other(worker: Worker) -> None:
    """One socket's failure is its own."""

    class Broken(Listener):
        def write(self, frames: bytes, payloads: Sequence[bytes]) -> None:
            raise ConnectionError

    broken = Broken()
    worker.board.settle(await worker.join(broken), 0)
    listener = await worker.follow()
    await worker.deliver(await worker.publish("all the same"))
    await listener.until("all the same")


async def test_a_join_that_is_cancelled_leaves_no_place(worker: Worker) -> None:
    """Who goes while the layer is slow is not held for."""
    worker.layer.hangs = True
    task = asyncio.get_running_loop().create_task(worker.join(Listener()))
    async with asyncio.timeout(PATIENCE):
        await worker.layer.hung.wait()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert task.cancelled()
    assert worker.board._feeds[str(worker.mission.pk)].empty


@pytest.fixture
def quick_heartbeats(monkeypatch: pytest.MonkeyPatch) -> None:
    """Groups are left with a heartbeat: now, and not in 2 s."""
    monkeypatch.setattr(live, "HEARTBEAT_EVERY", 0.01)
    monkeypatch.setattr(live, "HEARTBEATS_MISSING", 1_000)


async def test_a_mission_is_followed_from_its_first_socket_until_long_after_its_last(
    quick_heartbeats: None, worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The group is joined once, kept for a while, and then left."""
    monkeypatch.setattr(switchboard, "LINGER", 0.0)
    places = [await worker.join(Listener()) for _ in range(2)]
    await worker.layer.joined(worker.group)
    assert worker.layer.joins.empty()
    for place in places:
        await worker.board.compare()
        assert worker.board.missions() == [str(worker.mission.pk)]
        await worker.fence()
        worker.board.leave(place)
    while worker.board.missions():
        await worker.board.compare()
    await worker.layer.left(worker.group)
    assert worker.layer.groups.keys() == {live.NOTICES}


async def test_only_who_follows_live_is_listed(worker: Worker) -> None:
    """A place that still waits for its history is told of nothing beside the log."""
    waiting = await worker.join(Listener())
    key = str(worker.mission.pk)
    assert worker.board.subscriptions(key) == []
    worker.board.settle(waiting, 0)
    assert worker.board.subscriptions(key) == [waiting]
    assert worker.board.subscriptions("unknown") == []
