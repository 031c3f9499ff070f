"""The comparison that keeps sockets honest, whatever the layer loses."""

import asyncio
import time
from collections.abc import AsyncIterator
from uuid import UUID, uuid4

import pytest
from django.db import OperationalError

from agents import accounts, live, sessions, threads, watch
from agents.models import Agent, Session
from agents.protocol import CloseCode
from agents.roles import Clearance
from tests import database_faults
from tests.patience import PATIENCE

pytestmark = pytest.mark.django_db(transaction=True)


class Socket:
    """An open socket as the watch sees one."""

    def __init__(self, session: Session) -> None:
        self.connection_id = uuid4()
        self.session_id, self.agent_id = session.pk, session.agent_id
        self.access_revision = session.agent.access_revision
        self.ended = asyncio.Event()
        self.was_shut: asyncio.Queue[tuple[CloseCode, str]] = asyncio.Queue()

    def session_ended(self, reason: str = "") -> None:
        """The session is over."""
        self.ended.set()

    def shut(self, code: CloseCode, reason: str) -> None:
        """Closes."""
        self.was_shut.put_nowait((code, reason))


@pytest.fixture
async def watching() -> AsyncIterator[watch.Watch]:
    """The loop's watch."""
    yield watch.current()
    await live.aclose()


async def within(event: asyncio.Event) -> None:
    """Waits for it."""
    async with asyncio.timeout(PATIENCE):
        await event.wait()


async def test_an_ended_session_ends_its_sockets_and_no_others(
    watching: watch.Watch, session: Session, agent: Agent
) -> None:
    """What the database says counts: no notice is needed."""
    other = await threads.in_command_thread(sessions.open_session, agent)
    ended, stays = Socket(session), Socket(other)
    watching.add(ended)
    watching.add(stays)
    query = Session.objects.filter(pk=session.pk).update
    await threads.in_command_thread(query, ended_at=session.created_at)
    await within(ended.ended)
    assert not stays.ended.is_set()


async def test_a_deleted_session_and_a_disabled_agent_end_sockets(
    watching: watch.Watch, session: Session, agent: Agent
) -> None:
    """In doubt closed: a row that is gone is no good session."""
    socket = Socket(session)
    socket.session_id = uuid4()
    watching.add(socket)
    await watching.compare()
    assert socket.ended.is_set()
    active = Socket(session)
    watching.add(active)
    await threads.in_command_thread(Agent.objects.filter(pk=agent.pk).update, is_active=False)
    await watching.compare()
    assert active.ended.is_set()


async def test_an_expired_session_ends_its_sockets(watching: watch.Watch, session: Session) -> None:
    """Its time being over is an end like any other."""
    socket = Socket(session)
    watching.add(socket)
    query = Session.objects.filter(pk=session.pk).update
    await threads.in_command_thread(query, expires_at=session.created_at)
    await watching.compare()
    assert socket.ended.is_set()


async def test_revised_rights_are_handed_on_and_unchanged_ones_are_not(
    watching: watch.Watch, session: Session, agent: Agent
) -> None:
    """A socket is revised until it says that it took the new revision."""
    revised: list[UUID] = []

    async def revise(sockets: list[watch.WatchedSocket]) -> None:
        for socket in sockets:
            revised.append(socket.agent_id)
            socket.access_revision += 1

    watching.on_revised(revise)
    watching.add(Socket(session))
    await watching.compare()
    assert revised == []
    await threads.in_command_thread(accounts.set_access, agent.pk, clearance=Clearance.TOP_SECRET)
    await watching.compare()
    await watching.compare()
    assert revised == [agent.pk]


async def test_a_comparison_that_could_not_revise_does_not_count(
    watching: watch.Watch, session: Session
) -> None:
    """Until rights are applied the worker grows stale, and sends no more."""
    socket = Socket(session)
    socket.access_revision = 0

    async def fail(_: list[watch.WatchedSocket]) -> None:
        raise ConnectionError

    watching.on_revised(fail)
    watching.add(socket)
    before = watching._compared_at
    with pytest.raises(ConnectionError):
        await watching.compare()
    assert watching._compared_at == before


async def test_hooks_run_after_rights_were_applied(watching: watch.Watch, session: Session) -> None:
    """What heals comes after what cuts, so that nothing healed goes to who lost the right."""
    order: list[str] = []
    done = asyncio.Event()
    socket = Socket(session)
    socket.access_revision = 0

    async def revise(sockets: list[watch.WatchedSocket]) -> None:
        order.append("rights")
        for one in sockets:
            one.access_revision = session.agent.access_revision

    async def heal() -> None:
        order.append("healed")
        done.set()

    watching.on_revised(revise)
    watching.add(socket)
    watching.after_comparison(heal)
    await within(done)
    assert order == ["rights", "healed"]


async def test_what_follows_a_comparison_holds_no_comparison_up(
    watching: watch.Watch, session: Session
) -> None:
    """A hook that waits for a slow database or layer delays healing, never taking access away."""
    begun = asyncio.Event()

    async def stuck() -> None:
        begun.set()
        await asyncio.Event().wait()

    watching.after_comparison(stuck)
    await within(begun)
    socket = Socket(session)
    watching.add(socket)
    await threads.in_command_thread(sessions.end_session, session.pk, "logout")
    await within(socket.ended)


async def test_healing_that_fails_shows_as_a_lag_and_stops_no_other_hook(
    watching: watch.Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What asks for readiness is told; what else follows a comparison goes on."""
    ran: asyncio.Queue[None] = asyncio.Queue()

    async def fail() -> None:
        raise ConnectionError

    async def go_on() -> None:
        ran.put_nowait(None)

    watching.after_comparison(fail)
    watching.after_comparison(go_on)
    assert not watch.lagging()
    async with asyncio.timeout(PATIENCE):
        await ran.get()
    monkeypatch.setattr(watch, "LAG_MOST", 0.0)
    assert watch.lagging()
    followed = watching._followed_at
    async with asyncio.timeout(PATIENCE):
        await ran.get()
    assert watching._followed_at == followed


async def test_a_notice_that_came_during_the_handshake_is_not_lost(
    watching: watch.Watch, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The rows were read before the session ended, and the socket was not yet watched."""
    compared = asyncio.Event()

    async def hook() -> None:
        compared.set()

    watching.after_comparison(hook)
    await within(compared)
    monkeypatch.setattr(watch, "COMPARE_EVERY_ALONE", 3600.0)
    noticed = asyncio.Event()
    live.current().on("test.after", lambda _: noticed.set())
    await threads.in_command_thread(sessions.end_session, session.pk, "logout")
    live.hand_over(live.NOTICES, {"type": "test.after"})
    await within(noticed)
    socket = Socket(session)
    watching.add(socket)
    await within(socket.ended)


async def test_a_worker_that_cannot_compare_grows_stale_and_closes_its_sockets(
    watching: watch.Watch, session: Session
) -> None:
    """Nothing is sent at 8 s, or soon after a notice; at 10 s the sockets go, with 1012."""
    socket = Socket(session)
    watching.add(socket)
    assert watching.fresh
    with database_faults.failing('FROM "agents_session"'):
        with pytest.raises(OperationalError):
            await watching.compare()
        watching._unanswered = [time.monotonic() - watch.ANSWERED_WITHIN]
        assert not watching.fresh
        watching._compared_at = time.monotonic() - watch.STALE_AFTER
        watching._unanswered.clear()
        assert not watching.fresh
        watching._compared_at = time.monotonic() - watch.CLOSE_AFTER
        async with asyncio.timeout(PATIENCE):
            code, _ = await socket.was_shut.get()
    assert code is CloseCode.SERVICE_RESTART


async def test_a_worker_that_stood_still_compares_before_it_closes(
    watching: watch.Watch, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was stopped for longer than it may be without a comparison, and stays stale till then."""
    monkeypatch.setattr(watch, "STALE_AFTER", 1.0)
    monkeypatch.setattr(watch, "CLOSE_AFTER", 1.5)
    socket = Socket(session)
    watching.add(socket)
    await watching.compare()
    time.sleep(2.0)  # noqa: ASYNC251  (nothing of the loop runs: the process stands still)
    assert not watching.fresh
    await watching.compare()
    assert watching.fresh
    assert socket.was_shut.empty()


async def test_a_worker_that_stood_still_and_cannot_compare_closes_its_sockets(
    watching: watch.Watch, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The chance is a short one: in doubt closed."""
    monkeypatch.setattr(watch, "CHANCE", 1.0)
    monkeypatch.setattr(watch, "CLOSE_AFTER", 1.5)
    socket = Socket(session)
    watching.add(socket)
    await watching.compare()
    with database_faults.failing("agents_session"):
        time.sleep(2.0)  # noqa: ASYNC251  (as above)
        woke = time.monotonic()
        async with asyncio.timeout(PATIENCE):
            await socket.was_shut.get()
    assert time.monotonic() - woke > 0.5


async def test_sockets_are_counted_by_agent_and_forgotten(
    watching: watch.Watch, session: Session
) -> None:
    """Removing twice is removing once, and leaves nothing behind."""
    one, two = Socket(session), Socket(session)
    watching.add(one)
    watching.add(two)
    assert watching.sockets_of(session.agent_id) == 2
    watching.remove(one)
    watching.remove(one)
    assert watching.sockets_of(session.agent_id) == 1
    watching.remove(two)
    assert (watching._sockets, watching._of_agent) == ({}, {})


async def test_it_ends_with_its_loop_though_a_notice_comes_at_that_moment(
    session: Session,
) -> None:
    """A wake-up and the end at once: the end wins."""
    for _ in range(10):
        watching = watch.current()
        watching._wanted.set()
        async with asyncio.timeout(PATIENCE):
            await live.aclose()
        assert watch.current() is not watching
    await live.aclose()
