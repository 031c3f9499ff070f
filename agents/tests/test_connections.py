"""The register of open sockets: who counts as connected, and who no longer does."""

import asyncio
import datetime as dt
from collections.abc import AsyncIterator, Iterable
from uuid import UUID, uuid4

import pytest
from django.db import DatabaseError
from django.db.models import OuterRef
from django.utils import timezone
from pytest_django.fixtures import Settings

from agents import connections, live, threads
from agents.connections import Closed, Opening, Register, live_connections, want_disconnected
from agents.errors import RateLimited
from agents.models import Agent, Connection, Session, Worker
from agents.protocol import CloseCode
from agents.tests.conftest import MakeAgent
from tests import database_faults
from tests.patience import PATIENCE

pytestmark = pytest.mark.django_db(transaction=True)


class Socket:
    """An open socket as the register sees one."""

    def __init__(self, session: Session) -> None:
        self.id = uuid4()
        self.session_id, self.agent_id = session.pk, session.agent_id
        self.access_revision = 1
        self.was_shut: list[CloseCode] = []

    def session_ended(self, reason: str = "") -> None:
        """The session is over."""

    def shut(self, code: CloseCode, reason: str) -> None:
        """Closes."""
        self.was_shut.append(code)

    @property
    def opening(self) -> Opening:
        """What is known of it at its beginning."""
        return Opening(self.id, self.agent_id, self.session_id, "192.0.2.7", "a browser")

    def closed(self, code: int = 1000) -> Closed:
        """What is known of it at its end."""
        return Closed(self.id, code, 3, 14)


@pytest.fixture
async def registers() -> AsyncIterator[tuple[Register, Register]]:
    """Two workers on one database."""
    made = Register(), Register()
    yield made
    await live.aclose()


async def entered(register: Register, session: Session) -> Socket:
    """A socket that the register holds."""
    socket = Socket(session)
    await register.enter(socket, socket.opening)
    return socket


async def written(register: Register) -> None:
    """Until the ends that the register was told of are in the database."""
    assert register._writing is not None
    async with asyncio.timeout(PATIENCE):
        await register._writing


async def row(connection_id: UUID) -> Connection:
    """Its row."""
    return await threads.in_command_thread(Connection.objects.get, id=connection_id)


async def open_now() -> set[UUID]:
    """What counts as open, over all workers."""
    return await threads.in_command_thread(lambda: {one.pk for one in live_connections()})


async def ask_to_close(*connection_ids: UUID) -> int:
    """As the admin does."""
    return await threads.in_command_thread(want_disconnected, connection_ids)


async def move_lease(register: Register, by: dt.timedelta) -> None:
    """The worker's lease ends so long from now."""
    workers = Worker.objects.filter(pk=register.worker_id)
    await threads.in_command_thread(workers.update, lease_until=timezone.now() + by)


async def lease_of(register: Register) -> dt.datetime:
    """Until when the worker counts as alive."""
    return (await threads.in_command_thread(Worker.objects.get, pk=register.worker_id)).lease_until


def counted(agents: Iterable[Agent]) -> dict[str, int]:
    """How many connections are open of each."""
    chosen = Agent.objects.filter(pk__in=[one.pk for one in agents])
    counts = chosen.annotate(number=connections.open_of_agent(OuterRef("pk")))
    return dict(counts.values_list("username", "number"))


async def test_an_open_socket_has_a_row(
    registers: tuple[Register, Register], session: Session
) -> None:
    """Who, by which session, from where, on which worker, since when by the database's clock."""
    register, _ = registers
    socket = await entered(register, session)
    found = await row(socket.id)
    assert (found.agent_id, found.session_id) == (session.agent_id, session.pk)
    assert (found.worker_id, found.address) == (register.worker_id, "192.0.2.7")
    assert (found.user_agent, found.closed_at, found.close_code) == ("a browser", None, None)
    assert abs(found.opened_at - timezone.now()) < dt.timedelta(seconds=5)
    assert await open_now() == {socket.id}


async def test_a_socket_that_left_is_open_no_more(
    registers: tuple[Register, Register], session: Session
) -> None:
    """Its row says when, with which code, and how many frames came and went; others stay open."""
    register, _ = registers
    gone, stays = await entered(register, session), await entered(register, session)
    register.leave(gone.closed(4001))
    await written(register)
    found = await row(gone.id)
    assert (found.close_code, found.frames_in, found.frames_out) == (4001, 3, 14)
    assert found.closed_at is not None
    assert await open_now() == {stays.id}


async def test_who_never_entered_leaves_nothing(
    registers: tuple[Register, Register], session: Session
) -> None:
    """A socket that was refused has no end to write; neither has one that left before."""
    register, other = registers
    socket = await entered(register, session)
    register.leave(Socket(session).closed())
    other.leave(socket.closed())
    assert register._writing is other._writing is None
    assert await open_now() == {socket.id}


async def test_a_socket_that_is_cut_while_it_enters_does_not_stay_open(
    registers: tuple[Register, Register], session: Session
) -> None:
    """Its row may be written after its task is gone."""
    register, _ = registers
    await entered(register, session)
    socket = Socket(session)
    entering = asyncio.ensure_future(register.enter(socket, socket.opening))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    entering.cancel()
    with pytest.raises(asyncio.CancelledError):
        await entering
    register.leave(socket.closed(1012))
    await written(register)
    assert socket.id not in await open_now()


async def test_connections_are_counted_over_all_workers(
    registers: tuple[Register, Register], session: Session, agent: Agent, make_agent: MakeAgent
) -> None:
    """Of each agent its own, closed ones no more."""
    one, two = registers
    other = await threads.in_command_thread(make_agent, "ben")
    first, *_ = [await entered(each, session) for each in (one, one, two)]
    assert await threads.in_command_thread(counted, [agent, other]) == {"ada": 3, "ben": 0}
    one.leave(first.closed())
    await written(one)
    assert await threads.in_command_thread(counted, [agent, other]) == {"ada": 2, "ben": 0}


async def test_the_connections_of_a_dead_worker_end_with_its_lease(
    registers: tuple[Register, Register], session: Session, agent: Agent
) -> None:
    """Nobody writes their end; those of the worker that lives stay."""
    lost, kept = [await entered(one, session) for one in registers]
    assert await open_now() == {lost.id, kept.id}
    await move_lease(registers[0], dt.timedelta(seconds=-1))
    assert await open_now() == {kept.id}
    assert (await row(lost.id)).closed_at is None
    assert await threads.in_command_thread(counted, [agent]) == {"ada": 1}


async def test_who_takes_a_dead_workers_place_ends_what_it_held(
    registers: tuple[Register, Register], session: Session
) -> None:
    """At once, not with the lease; those of the worker that lives stay."""
    lost, kept = [await entered(one, session) for one in registers]
    await Register(follows=registers[0].worker_id).keep()
    assert await open_now() == {kept.id}
    assert (await row(lost.id)).close_code == 1006


async def test_of_simultaneous_sockets_as_many_enter_as_may(
    registers: tuple[Register, Register], session: Session, settings: Settings
) -> None:
    """Over both workers; who was refused leaves nothing, and a free place is given again."""
    settings.HQ_SOCKETS_PER_AGENT = 3
    coming = [entered(register, session) for register in registers * 6]
    arrived = await asyncio.gather(*coming, return_exceptions=True)
    refused = [one for one in arrived if isinstance(one, RateLimited)]
    held = [one for one in arrived if isinstance(one, Socket)]
    assert (len(held), len(refused)) == (3, 9)
    assert await open_now() == {one.id for one in held}
    register = next(one for one in registers if held[0].id in one._sockets)
    register.leave(held[0].closed())
    await written(register)
    await entered(registers[0], session)
    assert len(await open_now()) == 3


async def test_a_worker_renews_its_lease_when_it_is_time_and_not_before(
    registers: tuple[Register, Register], session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that was taken for dead lives again; one that never had a socket has no row."""
    register, idle = registers
    socket = await entered(register, session)
    await move_lease(register, dt.timedelta(seconds=-1))
    await register.keep()
    assert await open_now() == set()
    monkeypatch.setattr(connections, "RENEW_EVERY", 0.0)
    await register.keep()
    await idle.keep()
    assert await open_now() == {socket.id}
    left = await lease_of(register) - timezone.now()
    assert connections.LEASE - dt.timedelta(seconds=5) < left <= connections.LEASE
    workers = await threads.in_command_thread(lambda: {one.pk for one in Worker.objects.all()})
    assert workers == {register.worker_id}


async def test_who_is_to_be_disconnected_is_and_nobody_else(
    registers: tuple[Register, Register], session: Session
) -> None:
    """By the worker that holds the socket, and not once more when it has left."""
    here, there = registers
    wanted, stays = await entered(here, session), await entered(here, session)
    elsewhere = await entered(there, session)
    assert await ask_to_close(wanted.id, uuid4()) == 1
    await there.keep()
    assert wanted.was_shut == []
    await here.keep()
    assert wanted.was_shut == [CloseCode.GOING_AWAY]
    assert stays.was_shut == elsewhere.was_shut == []
    here.leave(wanted.closed(1001))
    await written(here)
    await here.keep()
    assert wanted.was_shut == [CloseCode.GOING_AWAY]
    assert await ask_to_close(wanted.id) == 0


async def test_a_worker_that_ends_closes_its_connections_and_no_others(
    registers: tuple[Register, Register], session: Session
) -> None:
    """Ends that were not written yet are, the rest is 1012, and its lease is over."""
    ends, stays = registers
    left, cut = await entered(ends, session), await entered(ends, session)
    kept = await entered(stays, session)
    ends.leave(left.closed(4003))
    await ends.aclose()
    assert ((await row(left.id)).close_code, (await row(cut.id)).close_code) == (4003, 1012)
    assert await lease_of(ends) <= timezone.now() + dt.timedelta(seconds=1)
    assert await open_now() == {kept.id}


async def test_ends_that_cannot_be_written_are_written_later(
    registers: tuple[Register, Register], session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A database that fails once loses no end, nor one that comes meanwhile."""
    register, _ = registers
    first, second = await entered(register, session), await entered(register, session)
    monkeypatch.setattr(connections, "AGAIN", 0.0)
    loop, writing = asyncio.get_running_loop(), 'UPDATE "agents_connection"'

    def second_leaves() -> None:
        loop.call_soon_threadsafe(register.leave, second.closed(1001))

    with (
        database_faults.when_asked(writing, second_leaves),
        database_faults.failing(writing, DatabaseError, times=1),
    ):
        register.leave(first.closed(4008))
        await written(register)
    assert ((await row(first.id)).close_code, (await row(second.id)).close_code) == (4008, 1001)
    assert await open_now() == set()


async def test_a_loop_has_one_register_until_it_closes(session: Session) -> None:
    """The next one is another worker."""
    register = connections.current()
    assert connections.current() is register
    await live.aclose()
    assert connections.current().worker_id != register.worker_id
    await live.aclose()
