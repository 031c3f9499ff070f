"""What those who oversee are told beside the log: receipts, and updates overdue.

Told are the author, handlers and directors who may see the update now. A receipt is a hint that
comes through the layer. An overdue update is claimed once in the database by a worker that has
somebody to tell, and every worker reads the claims of its missions, so that neither a lost event
nor a restart loses one.
"""

import asyncio
import datetime as dt
import logging
import time
from collections import defaultdict
from collections.abc import Iterable
from typing import Any
from uuid import UUID

from agents import live, threads, watch
from agents.protocol import AgentName, ServerFrame, encode_frame
from agents.roles import Clearance
from agents.sockets.outgoing import text_frame
from missions import audiences, overdue, publishing, selectors, switchboard
from missions.audiences import VIEWERS, Audience
from missions.feeds import Subscription
from missions.models import Update
from missions.protocol import OverdueFrame, ReceiptFrame

logger = logging.getLogger(__name__)


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


class Oversight:
    """One loop's part in it."""

    def __init__(self) -> None:
        self._switchboard = switchboard.current()
        self._known: dict[UUID, float] = {}
        self._looked_at = time.monotonic()
        self._looking = asyncio.Lock()
        self._look = asyncio.Event()
        live.current().on(publishing.RECEIPT_EVENT, self._on_receipt)
        live.current().on_close(self.aclose)
        # A task of its own: what heals and what renews leases never waits for it.
        watch.current().after_comparison(self._look_soon)
        self._task = asyncio.get_running_loop().create_task(self._run())

    async def look_for_overdue(self) -> None:
        """Claims what somebody here is to be told, reads all claims, and tells of each once."""
        async with self._looking:
            followed = [UUID(one) for one in self._switchboard.missions()]
            if followed:
                await self._look_at(followed)

    async def aclose(self) -> None:
        """Ends the task."""
        _of_loop.pop(asyncio.get_running_loop(), None)
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    async def _look_soon(self) -> None:
        self._look.set()

    async def _run(self) -> None:
        while True:
            await self._look.wait()
            self._look.clear()
            try:
                await self.look_for_overdue()
            except asyncio.CancelledError:
                raise
            except Exception as error:  # noqa: BLE001  (whatever it was, the next look comes)
                logger.warning("overdue updates were not told of (%s)", type(error).__name__)

    async def _look_at(self, followed: list[UUID]) -> None:
        began = time.monotonic()
        hearing = self._hearing(followed)
        if found := await threads.in_command_thread(overdue.due, hearing):
            await threads.in_command_thread(overdue.claim, found)
        made = await self._claims(followed)
        new = [one.update_id for one in made if self._followed_before(one)]
        self._known |= dict.fromkeys({one.update_id for one in made}.difference(new), began)
        for start in range(0, len(new), overdue.CLAIMED_MOST):
            batch = new[start : start + overdue.CLAIMED_MOST]
            for late in await threads.in_command_thread(overdue.missing, batch):
                self._tell_of(late)
            self._known |= dict.fromkeys(batch, began)
        # Nothing that is forgotten here is read again: it was claimed before it was known.
        edge = self._looked_at - 2 * overdue.OVERLAP.total_seconds()
        self._known = {key: at for key, at in self._known.items() if at >= edge}
        self._looked_at = began

    async def _claims(self, followed: list[UUID]) -> list[overdue.Claim]:
        """Of the time since the last look that was done, and of the overlap before it."""
        window = overdue.OVERLAP + dt.timedelta(seconds=time.monotonic() - self._looked_at)
        return await threads.in_command_thread(overdue.claims, followed, window, self._known)

    def _followed_before(self, claim: overdue.Claim) -> bool:
        """Whether the claim came after this worker began to follow its mission.

        An earlier one was told elsewhere, perhaps to the very agents who then came here.
        """
        since = self._switchboard.followed_since(str(claim.mission_id))
        return claim.age.total_seconds() < time.monotonic() - since

    def _hearing(self, followed: list[UUID]) -> overdue.Hearing:
        hearing = overdue.Hearing(defaultdict(set), {})
        for mission_id in followed:
            for place in self._switchboard.subscriptions(str(mission_id)):
                viewer = VIEWERS[place.number]
                if audiences.may_staff(viewer):
                    hearing.streams[place.number].add(mission_id)
                hearing.clearances[place.agent_id, mission_id] = viewer.clearance
        return hearing

    def _tell_of(self, late: overdue.Overdue) -> None:
        mission, update = str(late.update.mission_id), str(late.update.pk)
        frame = OverdueFrame(mission=mission, update=update, agents=late.missing)
        _tell(self._overseers_of(late.update), frame)

    def _overseers_of(self, update: Update) -> list[Subscription]:
        places = self._switchboard.subscriptions(str(update.mission_id))
        return overseers(places, selectors.audience_of(update), update.author_id)

    def _on_receipt(self, event: dict[str, Any]) -> None:
        mission, (codename, role) = event["mission"], event["agent"]
        audience = Audience(
            Clearance(event["classification"]), audiences.roles_from(event["roles"])
        )
        frame = ReceiptFrame(
            mission=mission,
            update=event["update"],
            agent=AgentName(codename, role),
            at=event["at"],
        )
        places = self._switchboard.subscriptions(mission)
        _tell(overseers(places, audience, UUID(event["author"])), frame)


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
