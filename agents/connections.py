"""The register of open WebSockets: which agent, by which session, on which worker.

Owns the rows of `Worker` and `Connection`. A worker holds a lease of 30 s, renewed every 10 s, by
the database's clock: when it dies without a word, its connections stop counting as soon as the
process that was started in its place says so, or the lease ends. A handshake costs one insert,
which is refused beyond the sockets that an agent may have: only there handshakes at the same
instant, on any worker, see one another. What has closed is written in batches after the periodic
comparison. State belongs to one event loop. Called by `agents.sockets`, read by the admin, by the
list of sessions and by presence.
"""

import asyncio
import datetime as dt
import logging
import time
from collections.abc import Iterable
from typing import Any, NamedTuple
from uuid import UUID, uuid4

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Count, Field, OuterRef, Q, QuerySet, Subquery, Value
from django.db.models.functions import Coalesce, Now

from agents import live, threads, watch
from agents.errors import RateLimited
from agents.models import Connection, Worker
from agents.protocol import CloseCode

LEASE = dt.timedelta(seconds=30)
RENEW_EVERY = 10.0
TOGETHER = 0.1
"""Seconds in which ends are gathered into one write."""
AGAIN = 2.0

logger = logging.getLogger(__name__)


class Closed(NamedTuple):
    """What is known of a connection at its end."""

    id: UUID
    code: int
    frames_in: int
    frames_out: int


class Opening(NamedTuple):
    """What is known of a connection at its beginning."""

    id: UUID
    agent_id: UUID
    session_id: UUID
    address: str | None
    user_agent: str


def live_connections() -> QuerySet[Connection]:
    """The connections that are open now, on workers that are alive."""
    return Connection.objects.filter(closed_at=None, worker__lease_until__gt=Now())


def live_within(lately: dt.timedelta) -> QuerySet[Connection]:
    """The connections that are open now, on workers that are alive, or were that lately."""
    since = Now() - lately
    return Connection.objects.filter(
        Q(closed_at=None) | Q(closed_at__gt=since), worker__lease_until__gt=since
    )


def open_of_agent(agent: OuterRef | Value) -> Coalesce:
    """How many connections are open of an agent: a field of the outer query, or an id."""
    mine = live_connections().filter(agent=agent).order_by().values("agent")
    return Coalesce(Subquery(mine.annotate(number=Count("pk")).values("number")), 0)


def want_disconnected(connection_ids: Iterable[UUID]) -> int:
    """Asks the workers of these connections to close them; they look after each comparison."""
    wanted = live_connections().filter(id__in=list(connection_ids))
    return wanted.update(disconnect_wanted=True)


class Register:
    """One loop's part of the register: its worker row, and its sockets by connection id.

    `follows` is the worker, now dead, in whose place this one was started.
    """

    def __init__(self, worker_id: UUID | None = None, follows: UUID | None = None) -> None:
        self.worker_id = worker_id or uuid4()
        self._follows = follows
        self._enlisted = False
        self._enlisting = asyncio.Lock()
        self._renewed_at = 0.0
        self._sockets: dict[UUID, watch.WatchedSocket] = {}
        self._closed: list[Closed] = []
        self._writing: asyncio.Task[None] | None = None
        self._keeping: asyncio.Task[None] | None = None
        watch.current().after_comparison(self._keep_soon)
        live.current().on_close(self.aclose)

    async def enter(self, socket: watch.WatchedSocket, opening: Opening) -> None:
        """Writes an open connection; `RateLimited` when the agent has as many as it may have."""
        async with self._enlisting:
            if not self._enlisted:
                await threads.in_command_thread(_enlist, self.worker_id)
                self._enlisted, self._renewed_at = True, time.monotonic()
        self._sockets[opening.id] = socket  # first: who is cut meanwhile has an end to write
        if not await threads.in_command_thread(_insert, opening, self.worker_id):
            self._sockets.pop(opening.id, None)
            raise RateLimited("Too many connections.")

    def leave(self, closed: Closed) -> None:
        """Takes how a connection ended; it is written with others within a moment."""
        if self._sockets.pop(closed.id, None) is not None:
            self._closed.append(closed)
            if self._writing is None or self._writing.done():
                self._writing = asyncio.get_running_loop().create_task(self._write_soon())

    async def _keep_soon(self) -> None:
        """In a task of its own: what heals never waits for the threads of commands."""
        if self._keeping is None or self._keeping.done():
            self._keeping = asyncio.get_running_loop().create_task(self._keep())

    async def _keep(self) -> None:
        try:
            await self.keep()
        except Exception as error:  # noqa: BLE001  (whatever it was, the next comparison tries)
            logger.warning("the register was not kept (%s)", type(error).__name__)

    async def keep(self) -> None:
        """Ends what a death left, renews the lease, and closes what the admin wants closed."""
        if self._follows is not None:
            await threads.in_command_thread(_retire, self._follows, [], CloseCode.ABNORMAL)
            self._follows = None
        if not self._enlisted:
            return
        if time.monotonic() - self._renewed_at >= RENEW_EVERY:
            await threads.in_command_thread(_renew, self.worker_id)
            self._renewed_at = time.monotonic()
        for connection_id in await threads.in_command_thread(_unwanted, self.worker_id):
            if socket := self._sockets.get(connection_id):
                socket.shut(CloseCode.GOING_AWAY, "Disconnected by an administrator.")

    async def _write_soon(self) -> None:
        while self._closed:
            await asyncio.sleep(TOGETHER)
            closed, self._closed = self._closed, []
            try:
                await threads.in_command_thread(_write_closed, closed)
            except Exception as error:  # noqa: BLE001  (whatever it was, the next write has them)
                logger.warning("connections: %d ends wait (%s)", len(closed), type(error).__name__)
                self._closed[:0] = closed
                await asyncio.sleep(AGAIN)

    async def aclose(self) -> None:
        """The worker ends: so do its connections."""
        _of_loop.pop(asyncio.get_running_loop(), None)
        tasks = [task for task in (self._writing, self._keeping) if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._enlisted:
            code = CloseCode.SERVICE_RESTART
            await threads.in_watch_thread(_retire, self.worker_id, self._closed, code)


def _enlist(worker_id: UUID) -> None:
    Worker.objects.create(id=worker_id, started_at=Now(), lease_until=Now() + LEASE)


def _renew(worker_id: UUID) -> None:
    Worker.objects.filter(id=worker_id).update(lease_until=Now() + LEASE)


def _insert(opening: Opening, worker_id: UUID) -> bool:
    """Writes the row unless the agent's connections are as many as they may be; says whether.

    One statement counts and writes. SQLite lets one writer in at a time; on PostgreSQL those of one
    agent wait for each other, and a statement sees what was committed before it began.
    """
    row = Connection(**opening._asdict(), worker_id=worker_id)
    fields: list[Field[Any, Any]] = list(Connection._meta.concrete_fields)
    values = [
        Now() if field.name == "opened_at" else Value(getattr(row, field.attname), field)
        for field in fields
    ]
    here = Worker.objects.filter(id=worker_id).annotate(
        open_now=open_of_agent(Value(opening.agent_id))
    )
    room = here.filter(open_now__lt=settings.HQ_SOCKETS_PER_AGENT)
    select, parameters = room.values_list(*values).query.sql_with_params()
    name = connection.ops.quote_name
    columns = ", ".join(name(str(field.column)) for field in fields)
    with transaction.atomic(), connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            key = opening.agent_id.int % 2**63
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [key])
        into = name(Connection._meta.db_table)
        cursor.execute(f"INSERT INTO {into} ({columns}) {select}", parameters)
        return bool(cursor.rowcount)


def _write_closed(closed: list[Closed]) -> None:
    rows = [
        Connection(
            id=one.id,
            closed_at=Now(),
            close_code=one.code,
            frames_in=one.frames_in,
            frames_out=one.frames_out,
        )
        for one in closed
    ]
    fields = ["closed_at", "close_code", "frames_in", "frames_out"]
    Connection.objects.bulk_update(rows, fields, batch_size=100)


def _unwanted(worker_id: UUID) -> list[UUID]:
    wanted = Connection.objects.filter(worker=worker_id, closed_at=None, disconnect_wanted=True)
    return list(wanted.values_list("id", flat=True))


def _retire(worker_id: UUID, closed: list[Closed], code: CloseCode) -> None:
    """Ends the worker: `closed` as they say themselves, what else it holds with `code`."""
    _write_closed(closed)
    with transaction.atomic():
        Connection.objects.filter(worker=worker_id, closed_at=None).update(
            closed_at=Now(), close_code=int(code)
        )
        Worker.objects.filter(id=worker_id).update(lease_until=Now())


_of_loop: dict[asyncio.AbstractEventLoop, Register] = {}
_named: tuple[UUID | None, UUID | None] = None, None


def serve_as(worker_id: UUID, follows: UUID | None) -> None:
    """Names the worker that this process is, and the dead one that it takes the place of."""
    global _named
    _named = worker_id, follows


def current() -> Register:
    """The running loop's register, made at the first call."""
    loop = asyncio.get_running_loop()
    register = _of_loop.get(loop)
    if register is None:
        register = _of_loop[loop] = Register(*_named)
    return register
