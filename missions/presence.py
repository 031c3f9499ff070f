"""Who of a mission's members follows it now, for handlers and directors.

Rows are written in batches, at most a second after a socket joined or left, and count only while
their connection is open and its worker alive, by the database's clock. Each worker reads the
missions on which a handler or director is connected here: when something changed, but at most once
a second, and after every comparison, so that a worker's death shows by itself. State belongs to
one event loop. Called by `missions.recovery`.
"""

import asyncio
import logging
from collections import defaultdict
from collections.abc import Iterable
from typing import Any
from uuid import UUID

from django.db.models import F

from agents import connections, live, threads, watch
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

Roster = list[AgentName]


def write(joined: list[tuple[UUID, UUID]], left: list[tuple[UUID, UUID]]) -> None:
    """Stores and removes (connection, mission) pairs."""
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
            connection__in=connections.live_connections(),
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
        self._wanted: dict[tuple[UUID, UUID], bool] = {}
        self._told: dict[str, Roster] = {}
        self._look: set[str] = set()
        self._newcomers: list[Subscription] = []
        self._wake = asyncio.Event()
        live.current().on(publishing.PRESENCE_EVENT, self._on_event)
        live.current().on_close(self.aclose)
        watch.current().after_comparison(self._look_everywhere)
        self._task = asyncio.get_running_loop().create_task(self._run())

    def joined(self, connection_id: UUID, mission_id: str, place: Subscription) -> None:
        """A socket follows a mission now; who may see the roster is sent it."""
        self._wanted[connection_id, UUID(mission_id)] = True
        if _oversees(place):
            self._newcomers.append(place)
        self._wake.set()

    def left(self, connection_id: UUID, mission_id: str) -> None:
        """A socket follows a mission no more."""
        self._wanted[connection_id, UUID(mission_id)] = False
        self._wake.set()

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
        wanted, self._wanted = self._wanted, {}
        if not wanted:
            return
        joined = [pair for pair, present in wanted.items() if present]
        left = [pair for pair, present in wanted.items() if not present]
        try:
            # Not where rights are compared: whoever waits to write there would hold that up.
            await threads.in_command_thread(write, joined, left)
        except BaseException:
            self._wanted = {**wanted, **self._wanted}
            raise
        for mission_id in {mission for _, mission in wanted}:
            self._look.add(str(mission_id))
            publishing.announce(publishing.presence_event(mission_id))

    async def _tell(self) -> None:
        newcomers, self._newcomers = self._newcomers, []
        look, self._look = self._look, set()
        look.update(place.feed.mission_id for place in newcomers)
        overseers = {mission_id: self._overseers_on(mission_id) for mission_id in look}
        wanted = [UUID(mission_id) for mission_id, places in overseers.items() if places]
        if not wanted:
            return
        found = await threads.in_command_thread(rosters, wanted)
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
