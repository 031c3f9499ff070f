"""Who of a mission's members follows it now, for handlers and directors.

Rows are written in batches, a second after a socket joined at most, and a few after it left: who
comes back at once was never gone, so that nobody can tell a reset or a cut connection by it. They
count while their connection is open and its worker alive, by the database's clock, and as long
after. Each worker reads the
missions on which a handler or director is connected here: when something changed, but at most once
a second, and after every comparison, so that a worker's death shows by itself. State belongs to
one event loop. Called by `missions.recovery`.
"""

import asyncio
import datetime as dt
import logging
import time
from collections import defaultdict
from collections.abc import Iterable
from typing import Any
from uuid import UUID

from django.db.models import F

from agents import connections, live, threads, watch
from agents.errors import Unavailable
from agents.protocol import AgentName, encode_frame
from agents.sockets.outgoing import text_frame
from missions import audiences, publishing, switchboard
from missions.audiences import VIEWERS
from missions.feeds import Subscription
from missions.models import Presence
from missions.protocol import PresenceFrame

logger = logging.getLogger(__name__)

EVERY = 1.0
"""Seconds between two lists of a mission, and between two writes."""

LINGER = dt.timedelta(seconds=3)
"""How long somebody who left is still there: time enough to come back after a cut connection."""

Roster = list[AgentName]
Pair = tuple[UUID, UUID]
"""A connection and a mission."""


def write(joined: list[Pair], left: list[Pair]) -> None:
    """Stores and removes pairs."""
    for connection_id, mission_id in left:
        Presence.objects.filter(connection=connection_id, mission=mission_id).delete()
    Presence.objects.bulk_create(
        [Presence(connection_id=one, mission_id=mission) for one, mission in joined],
        ignore_conflicts=True,
    )


def rosters(mission_ids: Iterable[UUID]) -> dict[UUID, Roster]:
    """The members who follow each of these missions now, by codename."""
    found: defaultdict[UUID, Roster] = defaultdict(list)
    rows = (
        Presence.objects.filter(
            mission__in=list(mission_ids),
            connection__in=connections.live_within(LINGER),
            mission__assignments__agent=F("connection__agent"),
        )
        .order_by("connection__agent__codename")
        .values_list("mission_id", "connection__agent__codename", "connection__agent__role")
        .distinct()
    )
    for mission_id, codename, role in rows:
        found[mission_id].append(AgentName(codename, role))
    return found


class PresenceBoard:
    """One loop's joins and leaves to write, and the rosters that its sockets were told."""

    def __init__(self) -> None:
        self._switchboard = switchboard.current()
        self._wanted: dict[Pair, bool] = {}
        self._written: set[Pair] = set()
        self._leaving: dict[Pair, float] = {}
        self._told: dict[str, Roster] = {}
        self._look: set[str] = set()
        self._newcomers: list[Subscription] = []
        self._wake = asyncio.Event()
        live.current().on(publishing.PRESENCE_EVENT, self._on_event)
        live.current().on_close(self.aclose)
        self._watch = watch.current()
        self._watch.after_comparison(self._look_everywhere)
        self._task = asyncio.get_running_loop().create_task(self._run())

    def joined(self, connection_id: UUID, mission_id: str, place: Subscription) -> None:
        """A socket follows a mission now; who may see the roster is sent it."""
        pair = connection_id, UUID(mission_id)
        self._leaving.pop(pair, None)
        if pair not in self._written:
            self._wanted[pair] = True
        if _oversees(place):
            self._newcomers.append(place)
        self._wake.set()

    def left(self, connection_id: UUID, mission_id: str) -> None:
        """A socket follows a mission no more; it is there for a moment still."""
        linger = LINGER.total_seconds()
        self._leaving[connection_id, UUID(mission_id)] = time.monotonic() + linger
        asyncio.get_running_loop().call_later(linger, self._wake.set)

    async def aclose(self) -> None:
        """Ends the task; the rows end with the worker."""
        _of_loop.pop(asyncio.get_running_loop(), None)
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    def _on_event(self, event: dict[str, Any]) -> None:
        self._look.add(event["mission"])
        self._wake.set()

    async def _look_everywhere(self) -> None:
        self._look.update(self._switchboard.missions())
        self._wake.set()

    async def _run(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            try:
                await self._write()
                await self._tell()
            except asyncio.CancelledError:
                raise
            except Exception as error:  # noqa: BLE001  (whatever it was, the next look comes)
                logger.warning("presence was not brought up to date (%s)", type(error).__name__)
            await asyncio.sleep(EVERY)

    async def _write(self) -> None:
        now = time.monotonic()
        for pair in [pair for pair, at in self._leaving.items() if at <= now]:
            del self._leaving[pair]
            self._wanted[pair] = False
        wanted, self._wanted = self._wanted, {}
        if not wanted:
            return
        joined = [pair for pair, present in wanted.items() if present]
        left = [pair for pair, present in wanted.items() if not present]
        self._written.difference_update(left)  # first: who joins meanwhile has a row to write
        try:
            # Not where rights are compared: whoever waits to write there would hold that up.
            await threads.in_command_thread(write, joined, left)
        except BaseException:
            self._wanted = {**wanted, **self._wanted}
            raise
        self._written.update(joined)
        for mission_id in {mission for _, mission in wanted}:
            self._look.add(str(mission_id))
            publishing.announce(publishing.presence_event(mission_id))

    async def _tell(self) -> None:
        if not self._watch.fresh:
            return
        newcomers, self._newcomers = self._newcomers, []
        look, self._look = self._look, set()
        try:
            await self._tell_about(look, newcomers)
        except BaseException:
            self._newcomers[:0] = newcomers
            self._look |= look
            raise
        followed = set(self._switchboard.missions())
        self._told = {one: roster for one, roster in self._told.items() if one in followed}

    async def _tell_about(self, look: set[str], newcomers: list[Subscription]) -> None:
        missions = look | {place.feed.mission_id for place in newcomers}
        overseers = {mission_id: self._overseers_on(mission_id) for mission_id in missions}
        wanted = [UUID(mission_id) for mission_id, places in overseers.items() if places]
        for mission_id in missions.difference(map(str, wanted)):
            self._told.pop(mission_id, None)
        found = await threads.in_command_thread(rosters, wanted) if wanted else {}
        if not self._watch.fresh:
            raise Unavailable  # rights may have changed while it was read: the next look tells
        for mission_id in map(str, wanted):
            roster = found.get(UUID(mission_id), [])
            changed = self._told.get(mission_id) != roster
            self._told[mission_id] = roster
            payload = encode_frame(PresenceFrame(mission=mission_id, agents=roster))
            for place in overseers[mission_id]:
                if place.stream is not None and (changed or place in newcomers):
                    place.listener.write(text_frame(payload), (payload,))

    def _overseers_on(self, mission_id: str) -> list[Subscription]:
        return [one for one in self._switchboard.subscriptions(mission_id) if _oversees(one)]


def _oversees(place: Subscription) -> bool:
    return place.stream is not None and audiences.may_staff(VIEWERS[place.stream.number])


_of_loop: dict[asyncio.AbstractEventLoop, PresenceBoard] = {}


def current() -> PresenceBoard:
    """The running loop's board, made at the first call."""
    loop = asyncio.get_running_loop()
    board = _of_loop.get(loop)
    if board is None:
        board = _of_loop[loop] = PresenceBoard()
    return board
