"""What those who oversee are told beside the log: receipts, and updates overdue.

Told are the author, handlers and directors who may see the update now. A receipt is a hint that
comes through the layer. An overdue update is claimed once in the database by a worker that has
somebody to tell, and every worker reads the claims of its missions, so that neither a lost event
nor a restart loses one.
"""

import asyncio
import datetime as dt
from collections.abc import Iterable
from typing import Any, NamedTuple
from uuid import UUID

from django.db.models.functions import Now

from agents import live, threads, watch
from agents.protocol import AgentName, ServerFrame, encode_frame
from agents.roles import Clearance
from agents.sockets.outgoing import text_frame
from missions import audiences, publishing, selectors, switchboard
from missions.audiences import VIEWERS, Audience
from missions.feeds import Subscription
from missions.models import Update
from missions.protocol import OverdueFrame, ReceiptFrame

OVERLAP = dt.timedelta(seconds=60)
"""How far back claims are read again: a claim is dated before its transaction commits."""


class Overdue(NamedTuple):
    """One update that was not acknowledged in time, and who has not."""

    update: Update
    at: dt.datetime
    missing: list[AgentName]


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


def due_in(mission_ids: list[UUID]) -> list[Update]:
    """Updates of these missions whose time is over and which nobody has claimed."""
    due = Update.objects.filter(ack_due_at__lte=Now(), overdue_at__isnull=True)
    return list(due.filter(mission__in=mission_ids))


def claim(update_ids: list[UUID]) -> None:
    """Marks updates as told of; by the database's clock, each once."""
    Update.objects.filter(pk__in=update_ids, overdue_at__isnull=True).update(overdue_at=Now())


def overdue_in(mission_ids: list[UUID], newest: dt.datetime | None) -> list[Overdue]:
    """What was claimed lately in these missions, with who is missing now.

    Lately is a minute before the newest claim known, or before now: a claim is dated before its
    transaction commits.
    """
    since = Now() - OVERLAP if newest is None else newest - OVERLAP
    claimed = Update.objects.filter(
        mission__in=mission_ids, overdue_at__gte=since, retracted_at__isnull=True
    ).select_related("mission")
    return [
        Overdue(update, update.overdue_at, missing)
        for update in claimed
        if update.overdue_at is not None
        and (missing := [who for who, at in selectors.obliged_to(update) if at is None])
    ]


class Oversight:
    """One loop's part in it."""

    def __init__(self) -> None:
        self._switchboard = switchboard.current()
        self._seen: dict[UUID, dt.datetime] | None = None
        live.current().on(publishing.RECEIPT_EVENT, self._on_receipt)
        watch.current().after_comparison(self.look_for_overdue)

    async def look_for_overdue(self) -> None:
        """Claims what somebody here is to be told, reads all claims, and tells of each once."""
        followed = [UUID(one) for one in self._switchboard.missions()]
        if not followed:
            return
        if self._seen is None:  # what was claimed before this worker began has been told
            self._seen = {one.update.pk: one.at for one in await self._claims(followed)}
        due = await threads.in_command_thread(due_in, followed)
        heard = [update.pk for update in due if self._overseers_of(update)]
        if heard:
            await threads.in_command_thread(claim, heard)
        for update, at, missing in await self._claims(followed):
            if update.pk not in self._seen:
                self._seen[update.pk] = at
                mission = str(update.mission_id)
                frame = OverdueFrame(mission=mission, update=str(update.pk), agents=missing)
                _tell(self._overseers_of(update), frame)
        if self._seen:
            edge = max(self._seen.values()) - OVERLAP
            self._seen = {key: at for key, at in self._seen.items() if at >= edge}

    async def _claims(self, followed: list[UUID]) -> list[Overdue]:
        newest = max(self._seen.values()) if self._seen else None
        return await threads.in_command_thread(overdue_in, followed, newest)

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
        live.current().on_close(_end)


async def _end() -> None:
    _of_loop.pop(asyncio.get_running_loop(), None)
