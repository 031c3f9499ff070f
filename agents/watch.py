"""The comparison with the database that keeps open sockets honest.

Each worker compares the sessions and access revisions of its sockets with the database's, in one
query: every 2 s (0.5 s when the layer reaches only this process), and at once when a notice says
so. What a socket may no longer do ends here, whatever the layer lost; staff whose second factor was
removed are closed with 4001. Hooks registered by
`missions` run after each periodic comparison, so that rights are applied before anything healed
goes out. A worker that could not compare for 8 s is stale and sends no updates; at 10 s it closes
its sockets with 1012: in doubt closed, not open. One that stood still itself compares first. Hooks
that take long hold no comparison up.
"""

import asyncio
import contextlib
import logging
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable
from typing import NamedTuple, Protocol
from uuid import UUID

from django.utils import timezone

from agents import enrolment, live, threads
from agents.errors import SecondFactorRequired
from agents.models import Session
from agents.protocol import CloseCode

logger = logging.getLogger(__name__)

COMPARE_EVERY = 2.0
COMPARE_EVERY_ALONE = 0.5
NOTICE_KEPT = 10.0
STALE_AFTER = 8.0
ANSWERED_WITHIN = 0.7
"""Seconds from a notice to the comparison that it asks for, after which nothing is sent."""
CLOSE_AFTER = 10.0
LOOK_EVERY = 0.5
OVERSLEPT = 0.5
"""Seconds that the guard wakes late by, from which on it counts as having stood still."""

CHANCE = 3.0
"""Seconds to compare in, for a worker that stood still: then the 10 s count as for any other."""

LAG_MOST = 10.0
"""Seconds since all hooks last succeeded after which others should be sent what is for us."""


class WatchedSocket(Protocol):
    """What the comparison needs of an open socket."""

    session_id: UUID
    agent_id: UUID
    access_revision: int

    def session_ended(self, reason: str = "") -> None:
        """The session is over or the agent disabled; `reason` is `Session.ended_reason`."""

    def shut(self, code: CloseCode, reason: str) -> None:
        """Closes the socket."""


Revised = Callable[[list[WatchedSocket]], Awaitable[None]]
Hook = Callable[[], Awaitable[None]]


class _State(NamedTuple):
    good: bool
    ended_reason: str
    must_enrol: bool
    access_revision: int


class Watch:
    """One loop's open sockets, by session, and the comparison over them."""

    def __init__(self) -> None:
        self._sockets: defaultdict[UUID, set[WatchedSocket]] = defaultdict(set)
        self._of_agent: defaultdict[UUID, set[WatchedSocket]] = defaultdict(set)
        self._compared_at = time.monotonic()
        self._wanted = asyncio.Event()
        self._lately: dict[UUID, float] = {}
        self._unanswered: list[float] = []
        self._revised: Revised | None = None
        self._hooks: list[Hook] = []
        self._lags: list[Callable[[], float | None]] = []
        self._followed_at = self._compared_at
        self._following: asyncio.Task[None] | None = None
        self._live = live.current()
        self._live.on("hq.notice", self._noticed)
        self._live.on_close(_aclose)
        loop = asyncio.get_running_loop()
        self._tasks = [loop.create_task(self._run()), loop.create_task(self._guard())]

    def add(self, socket: WatchedSocket) -> None:
        """Watches an authenticated socket; compares at once if a notice came just before."""
        self._sockets[socket.session_id].add(socket)
        self._of_agent[socket.agent_id].add(socket)
        if socket.session_id in self._lately or socket.agent_id in self._lately:
            self._wanted.set()

    def remove(self, socket: WatchedSocket) -> None:
        """Forgets a socket."""
        for index, key in ((self._sockets, socket.session_id), (self._of_agent, socket.agent_id)):
            sockets = index.get(key)
            if sockets is not None:
                sockets.discard(socket)
                if not sockets:
                    del index[key]

    def sockets_of(self, agent_id: UUID) -> int:
        """How many sockets of this agent are open in this process."""
        return len(self._of_agent.get(agent_id, ()))

    def on_revised(self, revised: Revised) -> None:
        """Who re-scopes the sockets whose agents' rights changed."""
        self._revised = revised

    def after_comparison(self, hook: Hook) -> None:
        """Runs `hook` after each periodic comparison that succeeded."""
        self._hooks.append(hook)

    def lags_since(self, since: Callable[[], float | None]) -> None:
        """Asks `since` when something began to lag though its hook succeeds; None for nothing.

        Called from any thread; the moment is one of `time.monotonic`.
        """
        self._lags.append(since)

    @property
    def fresh(self) -> bool:
        """Whether rights were compared lately enough to send updates by them.

        Not while a notice waits for its comparison: a worker that hears of a change and cannot
        read it sends nothing by the old rights.
        """
        now = time.monotonic()
        if self._unanswered and now - self._unanswered[0] > ANSWERED_WITHIN:
            return False
        return now - self._compared_at < STALE_AFTER

    @property
    def lagging(self) -> bool:
        """Whether healing has not come round for too long, or something lags though it has."""
        behind = (since() for since in self._lags)
        oldest = min((at for at in behind if at is not None), default=self._followed_at)
        return time.monotonic() - min(oldest, self._followed_at) > LAG_MOST

    async def compare(self) -> None:
        """One comparison: ends what is over, hands on what was revised."""
        started = time.monotonic()
        old = started - NOTICE_KEPT
        self._lately = {one: at for one, at in self._lately.items() if at > old}
        sessions = list(self._sockets)
        if sessions:
            states = await threads.in_watch_thread(_states_of, sessions)
            revised: list[WatchedSocket] = []
            for session_id in sessions:
                state = states.get(session_id)
                for socket in list(self._sockets.get(session_id, ())):
                    if state is None or not state.good:
                        socket.session_ended("" if state is None else state.ended_reason)
                    elif state.must_enrol:
                        socket.shut(CloseCode.UNAUTHORIZED, SecondFactorRequired.close_reason)
                    elif socket.access_revision != state.access_revision:
                        revised.append(socket)
            if revised and self._revised:
                await self._revised(revised)
        self._compared_at = started
        self._unanswered = [at for at in self._unanswered if at > started]

    async def aclose(self) -> None:
        """Ends the tasks."""
        tasks = [*self._tasks, *([self._following] if self._following else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _noticed(self, event: live.Event) -> None:
        agents = {UUID(one) for one in event.get("agents", ())}
        sessions = {UUID(one) for one in event.get("sessions", ())}
        # A handshake may have read the rows before they changed and not be watched yet.
        now = time.monotonic()
        self._lately.update(dict.fromkeys(agents | sessions, now))
        if sessions & self._sockets.keys() or agents & self._of_agent.keys():
            self._unanswered.append(now)
            self._wanted.set()

    async def _run(self) -> None:
        every = COMPARE_EVERY if self._live.shared else COMPARE_EVERY_ALONE
        due = time.monotonic()
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(max(0.0, due - time.monotonic())):
                    await self._wanted.wait()
            self._wanted.clear()
            try:
                await self.compare()
                if time.monotonic() >= due:
                    due = time.monotonic() + every
                    if self._following is None or self._following.done():
                        self._following = asyncio.create_task(self._follow())
            except asyncio.CancelledError:
                raise
            except Exception as error:  # noqa: BLE001  (whatever it was, comparing goes on)
                logger.warning("comparison with the database failed (%s)", type(error).__name__)
                due = time.monotonic() + COMPARE_EVERY_ALONE
                self._wanted.clear()

    async def _follow(self) -> None:
        """Runs the hooks; one that fails is tried again after the next comparison."""
        began, failed = time.monotonic(), False
        for hook in self._hooks:
            try:
                await hook()
            except Exception as error:  # noqa: BLE001  (whatever it was, the others go on)
                failed = True
                logger.warning("what follows a comparison failed (%s)", type(error).__name__)
        if not failed:
            self._followed_at = began

    async def _guard(self) -> None:
        """Closes what could not be compared for 10 s; time in which nothing ran is made up for.

        A worker that was stopped (a machine that slept, or swapped) sends nothing either: it is
        stale. It has `CHANCE` seconds to compare, and 10 s of those in which it ran.
        """
        compared_at, stood_still, chance_until = self._compared_at, 0.0, 0.0
        while True:
            slept_at = time.monotonic()
            await asyncio.sleep(LOOK_EVERY)
            now = time.monotonic()
            since = now - self._compared_at
            if compared_at != self._compared_at and since <= CLOSE_AFTER:
                compared_at, stood_still, chance_until = self._compared_at, 0.0, 0.0
            late = now - slept_at - LOOK_EVERY
            if late > OVERSLEPT:
                stood_still += late
                chance_until = chance_until + late if chance_until else now + CHANCE
            ran = since - stood_still
            if since > CLOSE_AFTER and (now >= chance_until or ran > CLOSE_AFTER):
                for sockets in list(self._sockets.values()):
                    for socket in list(sockets):
                        socket.shut(CloseCode.SERVICE_RESTART, "Rights cannot be checked now.")


def _states_of(session_ids: Iterable[UUID]) -> dict[UUID, _State]:
    """Of these sessions, whether each is good and what is known of its agent; one query."""
    now = timezone.now()
    sessions = Session.objects.filter(id__in=list(session_ids))
    rows = sessions.annotate(must_enrol=enrolment.must_enrol()).values_list(
        "id",
        "ended_at",
        "expires_at",
        "agent__is_active",
        "ended_reason",
        "must_enrol",
        "agent__access_revision",
    )
    return {
        session_id: _State(ended_at is None and expires_at > now and is_active, *more)
        for session_id, ended_at, expires_at, is_active, *more in rows
    }


_of_loop: dict[asyncio.AbstractEventLoop, Watch] = {}


def current() -> Watch:
    """The running loop's watch, made at the first call."""
    loop = asyncio.get_running_loop()
    watch = _of_loop.get(loop)
    if watch is None:
        watch = _of_loop[loop] = Watch()
    return watch


def lagging() -> bool:
    """Whether healing lags in one of this process's loops."""
    return any(watch.lagging for watch in list(_of_loop.values()))


async def _aclose() -> None:
    watch = _of_loop.pop(asyncio.get_running_loop(), None)
    if watch is not None:
        await watch.aclose()
