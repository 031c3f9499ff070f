"""What those who oversee are told beside the log: receipts, and updates overdue.

Told are the author, handlers and directors who may see the update now: its audience is read when
they are told, and again if the log's past changed meanwhile. A worker whose rights are stale tells
nobody. A receipt is a hint that comes through the layer. An overdue update is claimed once in the
database by a worker that has somebody to tell, and every worker reads the claims of its missions,
so that neither a lost event nor a restart loses one. A worker that dies before it told leaves a
claim that another makes anew. Told is who followed the mission when the claim was made, also a
socket that just then read its history again.
"""

import asyncio
import datetime as dt
import logging
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from agents import live, threads, watch
from agents.protocol import AgentName, ServerFrame, encode_frame
from agents.sockets.outgoing import text_frame
from missions import audiences, overdue, publishing, selectors, switchboard
from missions.audiences import VIEWERS, Audience
from missions.feeds import Subscription
from missions.models import Update
from missions.protocol import OverdueFrame, ReceiptFrame

logger = logging.getLogger(__name__)

RECEIPTS_MOST = 1_000
"""Receipts that wait to be told; more are dropped, as the layer drops them."""


def overseers(
    places: Iterable[Subscription], audience: Audience, author_id: UUID
) -> list[Subscription]:
    """Of these places on the mission, those to be told about such an update."""
    told = []
    for place in places:
        if place.stream is None:
            continue
        viewer = VIEWERS[place.stream.number]
        if place.agent_id == author_id:
            meant = viewer.clearance >= audience.classification
        else:
            meant = audiences.may_staff(viewer) and audiences.in_audience(viewer, audience)
        if meant:
            told.append(place)
    return told


@dataclass
class _Known:
    """A claim that was read: when it was made, by the database, and when read, by this process.

    Until it is settled it may be made anew, and then those are told who were not before. `moment`
    is when it was made, by this process's clock.
    """

    at: dt.datetime
    read_at: float
    settled: bool
    moment: float
    told: set[UUID] = field(default_factory=set)


class Oversight:
    """One loop's part in it."""

    def __init__(self) -> None:
        self._switchboard = switchboard.current()
        self._known: dict[UUID, _Known] = {}
        self._mine: set[UUID] = set()
        self._to_settle: set[UUID] = set()
        self._looked_at = self._read_at = time.monotonic()
        self._looking = asyncio.Lock()
        self._receipts: list[dict[str, Any]] = []
        self._watch = watch.current()
        live.current().on(publishing.RECEIPT_EVENT, self._on_receipt)
        live.current().on_close(self.aclose)
        # Tasks of their own: what heals and what renews leases never waits for them.
        self._look, self._tell = asyncio.Event(), asyncio.Event()
        self._watch.after_comparison(self._soon)
        loop = asyncio.get_running_loop()
        self._tasks = [
            loop.create_task(self._run(self._look, self.look_for_overdue)),
            loop.create_task(self._run(self._tell, self._tell_receipts)),
        ]

    async def look_for_overdue(self) -> None:
        """Claims what somebody here is to be told, reads all claims, and tells of each once."""
        async with self._looking:
            followed = [UUID(one) for one in self._switchboard.missions()]
            if followed and self._watch.fresh:
                await self._look_at(followed)

    async def aclose(self) -> None:
        """Ends the tasks."""
        _of_loop.pop(asyncio.get_running_loop(), None)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _soon(self) -> None:
        self._look.set()
        self._tell.set()

    async def _run(self, wanted: asyncio.Event, work: Callable[[], Awaitable[None]]) -> None:
        while True:
            await wanted.wait()
            wanted.clear()
            try:
                await work()
            except asyncio.CancelledError:
                raise
            except Exception as error:  # noqa: BLE001  (whatever it was, the next look comes)
                logger.warning("those who oversee were not told (%s)", type(error).__name__)

    async def _look_at(self, followed: list[UUID]) -> None:
        began = time.monotonic()
        hearing = self._hearing(followed)
        if found := await threads.in_command_thread(overdue.due, hearing):
            self._mine |= await threads.in_command_thread(overdue.claim, found)
        new = await self._new_claims(followed, began)
        # The own ones first: until they are settled, others wait to make them anew.
        new.sort(key=lambda one: one.update_id not in self._mine)
        for start in range(0, len(new), overdue.CLAIMED_MOST):
            await self._tell_of_each(new[start : start + overdue.CLAIMED_MOST], began)
        await self._tell_who_read_anew(began)
        if self._to_settle:
            self._to_settle = await threads.in_command_thread(overdue.settle, self._to_settle)
        # Nothing that is forgotten here is read again: it was claimed before it was known.
        edge = self._looked_at - 2 * overdue.OVERLAP.total_seconds()
        self._known = {key: one for key, one in self._known.items() if one.read_at >= edge}
        self._looked_at = began

    async def _new_claims(self, followed: list[UUID], began: float) -> list[overdue.Claim]:
        """The claims that are to be told of here; what else was read is known from now on."""
        new = []
        for one in await self._claims(followed):
            known = self._known.get(one.update_id)
            if known is not None and known.at == one.at:
                known.settled = one.settled
            elif self._followed_before(one):
                new.append(one)
            else:
                self._known[one.update_id] = _Known(one.at, began, one.settled, self._moment(one))
        return new

    async def _tell_of_each(self, batch: list[overdue.Claim], began: float) -> None:
        shown = self._shown(str(one.mission_id) for one in batch)
        ids = {one.update_id for one in batch}
        late = {one.update.pk: one for one in await threads.in_command_thread(overdue.missing, ids)}
        for one in batch:
            if not self._still(shown, str(one.mission_id)):
                ids.discard(one.update_id)  # the next look reads it again
                continue
            before = self._known.get(one.update_id)
            told = set() if before is None else before.told
            if one.update_id in late:
                told = told | self._tell_of(late[one.update_id], told, self._moment(one))
                if not told:  # who was to be told has left: whoever has somebody claims it anew
                    self._mine.discard(one.update_id)
            self._known[one.update_id] = _Known(one.at, began, one.settled, self._moment(one), told)
        self._to_settle |= self._mine & ids
        self._mine -= ids

    async def _tell_who_read_anew(self, began: float) -> None:
        """A socket whose stream was renumbered at that moment followed none until it had read."""
        edge = began - overdue.CLAIM_LASTS.total_seconds()
        lately = [key for key, one in self._known.items() if one.moment > edge]
        for start in range(0, len(lately), overdue.CLAIMED_MOST):
            batch = lately[start : start + overdue.CLAIMED_MOST]
            shown = self._shown(self._switchboard.missions())
            for late in await threads.in_command_thread(overdue.missing, batch):
                known = self._known[late.update.pk]
                if self._still(shown, str(late.update.mission_id)):
                    known.told |= self._tell_of(late, known.told, known.moment)

    async def _claims(self, followed: list[UUID]) -> list[overdue.Claim]:
        """Of the time since the last look that was done, and of the overlap before it."""
        window = overdue.OVERLAP + dt.timedelta(seconds=time.monotonic() - self._looked_at)
        settled = [key for key, one in self._known.items() if one.settled]
        read = await threads.in_command_thread(overdue.claims, followed, window, settled)
        self._read_at = time.monotonic()
        return read

    def _followed_before(self, claim: overdue.Claim) -> bool:
        """Whether the claim came after this worker began to follow its mission.

        An earlier one was told elsewhere, perhaps to the very agents who then came here.
        """
        since = self._switchboard.followed_since(str(claim.mission_id))
        return claim.age.total_seconds() < time.monotonic() - since

    def _moment(self, claim: overdue.Claim) -> float:
        """When it was made, by this process's clock; a little later rather than earlier."""
        return self._read_at - claim.age.total_seconds()

    def _hearing(self, followed: list[UUID]) -> overdue.Hearing:
        hearing = overdue.Hearing(defaultdict(set), {})
        for mission_id in followed:
            for place in self._switchboard.subscriptions(str(mission_id)):
                viewer = VIEWERS[place.number]
                if audiences.may_staff(viewer):
                    hearing.streams[place.number].add(mission_id)
                hearing.clearances[place.agent_id, mission_id] = viewer.clearance
        return hearing

    def _tell_of(self, late: overdue.Overdue, told: set[UUID], moment: float) -> set[UUID]:
        """Tells those who were not yet and followed then, and says who they are."""
        update = late.update
        mission = str(update.mission_id)
        meant = [
            place
            for place in self._overseers_of(update)
            if place.agent_id not in told and place.since < moment
        ]
        _tell(meant, OverdueFrame(mission=mission, update=str(update.pk), agents=late.missing))
        return {place.agent_id for place in meant}

    def _overseers_of(self, update: Update) -> list[Subscription]:
        places = self._switchboard.subscriptions(str(update.mission_id))
        return overseers(places, selectors.audience_of(update), update.author_id)

    def _shown(self, missions: Iterable[str]) -> dict[str, int]:
        """Of which past the logs are that these missions' sockets show now."""
        return {mission: self._switchboard.voided(mission) for mission in missions}

    def _still(self, shown: dict[str, int], mission: str) -> bool:
        """Whether what was read since is no older than what is shown, and rights are checked."""
        return self._watch.fresh and self._switchboard.voided(mission) == shown[mission]

    def _on_receipt(self, event: dict[str, Any]) -> None:
        """Keeps it, if anybody here may be told."""
        author = UUID(event["author"])
        if len(self._receipts) < RECEIPTS_MOST and any(
            place.agent_id == author or audiences.may_staff(VIEWERS[place.number])
            for place in self._switchboard.subscriptions(event["mission"])
        ):
            self._receipts.append(event)
            self._tell.set()

    async def _tell_receipts(self) -> None:
        """What cannot be told now waits for the next comparison."""
        if not self._receipts or not self._watch.fresh:
            return
        waiting, self._receipts = self._receipts, []
        shown = self._shown(event["mission"] for event in waiting)
        try:
            ids = {UUID(event["update"]) for event in waiting}
            updates = await threads.in_command_thread(selectors.present, ids)
        except BaseException:
            self._receipts[:0] = waiting
            raise
        for event in waiting:
            if not self._still(shown, event["mission"]):
                self._receipts.append(event)
            elif update := updates.get(UUID(event["update"])):
                _tell(self._overseers_of(update), _receipt(event))


def _receipt(event: dict[str, Any]) -> ReceiptFrame:
    codename, role = event["agent"]
    return ReceiptFrame(
        mission=event["mission"],
        update=event["update"],
        agent=AgentName(codename, role),
        at=event["at"],
    )


def _tell(places: Iterable[Subscription], frame: ServerFrame) -> None:
    payload = encode_frame(frame)
    for place in places:
        place.listener.write(text_frame(payload), (payload,))


_of_loop: dict[asyncio.AbstractEventLoop, Oversight] = {}


def begin() -> None:
    """Has the running loop tell its sockets."""
    loop = asyncio.get_running_loop()
    if loop not in _of_loop:
        _of_loop[loop] = Oversight()
