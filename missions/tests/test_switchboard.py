"""Fan-out in one worker: whatever the layer loses, delays or doubles, everybody gets its stream."""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from typing import Any

import msgspec
import pytest

from agents import live, threads, watch
from agents.models import Agent
from agents.roles import Clearance, Role
from missions import audiences, changes, publishing, services, switchboard
from missions.drafts import Draft
from missions.feeds import Place, Subscription
from missions.models import Change, Mission
from missions.protocol import Kind
from tests.cast import ANALYST, HANDLER, Member

pytestmark = pytest.mark.django_db(transaction=True)

PATIENCE = 10.0
STREAM = audiences.stream_for(audiences.VIEWERS[audiences.ROLES.index(Role.ANALYST) * 4 + 2])


class Listener:
    """A socket that remembers the bodies it got."""

    def __init__(self) -> None:
        self.bodies: list[str] = []
        self.seqs: list[int] = []
        self.resets = 0
        self._news = asyncio.Event()

    def write(self, frames: bytes, payloads: Sequence[bytes]) -> None:
        """Takes frames."""
        for payload in payloads:
            frame = msgspec.json.decode(payload)
            self.bodies.append(frame["update"]["body"])
            self.seqs.append(frame["seq"])
        self._news.set()

    def reset(self) -> None:
        """What it holds is void."""
        self.resets += 1
        self._news.set()

    async def until(self, body: str | None) -> None:
        """Until it got that body; without one, until it was reset."""
        async with asyncio.timeout(PATIENCE):
            while not (body in self.bodies if body else self.resets):
                self._news.clear()
                await self._news.wait()


class Worker:
    """The loop's switchboard, with the layer in the test's hand."""

    def __init__(self, cast: dict[Member, Agent], mission: Mission) -> None:
        self.cast, self.mission = cast, mission
        self.board = switchboard.current()
        self.on_the_way: list[dict[str, Any]] = []

    async def follow(self, *, stream: int = STREAM, position: int | None = None) -> Listener:
        """A settled listener at the log's newest position."""
        listener = Listener()
        place = await self.join(listener, stream)
        if position is None:
            ((_, position),) = await threads.in_command_thread(changes.positions, [self.mission.pk])
        assert place.continues(position)
        self.board.settle(place, position)
        return listener

    async def join(self, listener: Listener, stream: int = STREAM) -> Subscription:
        """A place that waits for its history."""
        place = Place(self.cast[ANALYST].pk, stream, listener.reset)
        return await self.board.join(listener, str(self.mission.pk), place)

    async def publish(self, body: str, **fields: Any) -> dict[str, Any]:
        """Commits an update; its event stays with the test."""
        draft = Draft(kind=Kind.REPORT, body=body, **fields)
        await threads.in_command_thread(
            services.publish, self.cast[HANDLER], self.mission.pk, draft
        )
        return self.on_the_way[-1]


@pytest.fixture
async def worker(
    cast: dict[Member, Agent], mission: Mission, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Worker]:
    """A worker whose events of missions do not reach the layer."""
    worker = Worker(cast, mission)
    hand_over = live.hand_over

    def held(group: str, event: dict[str, Any]) -> None:
        if event["type"] == publishing.UPDATE_EVENT:
            worker.on_the_way.append(event)
        else:
            hand_over(group, event)

    monkeypatch.setattr(live, "hand_over", held)
    yield worker
    await live.aclose()


async def test_a_lost_event_is_healed_when_the_next_one_comes(worker: Worker) -> None:
    """The hole is waited for, and then read from the database."""
    listener = await worker.follow()
    await worker.publish("lost")
    worker.board._on_event(await worker.publish("arrives"))
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
        worker.board._on_event(events[index])
    await listener.until("3")
    assert listener.bodies == ["0", "1", "2", "3"]


async def test_another_stream_hears_nothing_of_what_it_may_not_see(worker: Worker) -> None:
    """Healed or live, an update goes to the streams that have a number for it."""
    analyst, operative = await worker.follow(), await worker.follow(stream=12)
    await worker.publish("secret, healed", classification=Clearance.SECRET)
    worker.board._on_event(await worker.publish("analysts", roles=frozenset({Role.ANALYST})))
    worker.board._on_event(await worker.publish("restricted?"))
    await analyst.until("restricted?")
    director = await worker.follow(stream=3)
    worker.board._on_event(await worker.publish("last", classification=Clearance.SECRET))
    await director.until("last")
    assert analyst.bodies == ["secret, healed", "analysts", "restricted?", "last"]
    assert operative.bodies == []


async def test_a_stale_worker_sends_nothing(
    worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Until rights are compared again; then it heals what it held back."""
    listener = await worker.follow()
    event = await worker.publish("held back")
    watching = watch.current()
    monkeypatch.setattr(watching, "compare", asyncio.Event().wait)
    watching._compared_at = time.monotonic() - watch.STALE_AFTER
    worker.board._on_event(event)
    await worker.board.compare()
    assert listener.bodies == []
    watching._compared_at = time.monotonic()
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
    worker.board._on_event(await worker.publish("after"))
    await again.until("after")


async def test_one_missions_failed_healing_is_its_own(
    worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The others are healed in the same comparison."""
    other = await threads.in_command_thread(
        services.create_mission, worker.cast[HANDLER], "Other", "", Clearance.RESTRICTED
    )
    poisoned, listener = worker.mission, await worker.follow()
    worker.mission = other
    healed = await worker.follow(stream=6)
    following = changes.following

    def fail(mission_id: Any, position: int) -> Any:
        if mission_id == poisoned.pk:
            raise ValueError("unreadable")
        return following(mission_id, position)

    monkeypatch.setattr(changes, "following", fail)
    await worker.publish("b")
    worker.mission = poisoned
    await worker.publish("a")
    await healed.until("b")
    assert listener.bodies == []


async def test_a_listener_that_fails_harms_no_other(worker: Worker) -> None:
    """One socket's failure is its own."""

    class Broken(Listener):
        def write(self, frames: bytes, payloads: Sequence[bytes]) -> None:
            raise ConnectionError

    broken = Broken()
    worker.board.settle(await worker.join(broken), 0)
    listener = await worker.follow()
    worker.board._on_event(await worker.publish("all the same"))
    await listener.until("all the same")


async def test_a_join_that_is_cancelled_leaves_no_place(
    worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who goes while the layer is slow is not held for."""
    subscribing = asyncio.Event()

    async def slow(_: str) -> None:
        subscribing.set()
        await asyncio.Event().wait()

    monkeypatch.setattr(live.current(), "subscribe", slow)
    task = asyncio.get_running_loop().create_task(worker.join(Listener()))
    await subscribing.wait()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert worker.board._feeds[str(worker.mission.pk)].empty


async def test_a_mission_is_followed_from_its_first_socket_until_long_after_its_last(
    worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The group is joined once, kept for a while, and then left."""
    joined: list[str] = []
    left: list[str] = []

    async def join(group: str) -> None:
        joined.append(group)

    def leave(group: str) -> None:
        left.append(group)

    monkeypatch.setattr(live.current(), "subscribe", join)
    monkeypatch.setattr(live.current(), "unsubscribe", leave)
    monkeypatch.setattr(switchboard, "LINGER", 0.0)
    places = [await worker.join(Listener()) for _ in range(2)]
    group = publishing.group_of(worker.mission.pk)
    assert joined == [group]
    for place in places:
        await worker.board.compare()
        assert left == []
        worker.board.leave(place)
    while not left:
        await worker.board.compare()
    assert left == [group]
    assert worker.board.missions() == []


async def test_only_who_follows_live_is_listed(worker: Worker) -> None:
    """A place that still waits for its history is told of nothing beside the log."""
    waiting = await worker.join(Listener())
    key = str(worker.mission.pk)
    assert worker.board.subscriptions(key) == []
    worker.board.settle(waiting, 0)
    assert worker.board.subscriptions(key) == [waiting]
    assert worker.board.subscriptions("unknown") == []
