"""A correct client that remembers everything that it was ever sent, and when.

Its frames are judged in the end, when it is known what every update was and when it was revised: a
right ends before one hears of it.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Callable
from typing import NamedTuple

from agents.roles import Clearance
from missions.audiences import Looker, can_see, may_enter, may_review, may_staff
from tests.faults.oracle import FOREVER, Known, Version, audience_of, share_updates, updates_in
from tests.faults.oracle import last_seen as update_last_seen
from tests.ledger import Frame, Ledger, Violation

LOWEST = Clearance.RESTRICTED
"""What the missions of these tests are classified as."""

REVISED_WITHIN = 5.0
"""Seconds after the answer to a revision in which what was sent before may still arrive."""

TOLD = ("welcome", "mission", "presence", "receipt", "overdue", "sent")
RECOVERED_MOST = 500


class Right(NamedTuple):
    """What an agent may see between two moments."""

    begin: float
    end: float
    looker: Looker


class Witness(Ledger):
    """What one agent was sent. `looker` are the rights that it begins with."""

    def __init__(self, looker: Looker, grace: float = 1.0) -> None:
        super().__init__()
        self.grace = grace
        self.seen: list[tuple[float, Frame]] = []
        self.told: list[tuple[float, Frame]] = []
        self.violations: list[str] = []
        self.arrived: dict[str, float] = {}
        self.moved = asyncio.Event()
        self._role = ""
        self.faults: Counter[str] = Counter()
        self.origin: str | None = None
        self._rights = [Right(0.0, FOREVER, looker)]
        self._awaited: dict[str, asyncio.Future[float]] = {}

    def grant(self, looker: Looker, asked: float, committed: float) -> None:
        """The agent has these rights instead: none before `asked`, the old until `committed`."""
        self._rights[-1] = self._rights[-1]._replace(end=committed)
        self._rights.append(Right(asked, FOREVER, looker))
        if self._role == looker.viewer.role.value:  # who came back since then knows already
            self.moved.set()

    @property
    def looker(self) -> Looker:
        """The rights that were given last."""
        return self._rights[-1].looker

    async def holds(self, update_id: str, *, within: float) -> float:
        """The moment at which that update was held first."""
        if update_id in self.arrived:
            return self.arrived[update_id]
        future = self._awaited.setdefault(update_id, asyncio.get_running_loop().create_future())
        return await asyncio.wait_for(asyncio.shield(future), within)

    def apply(self, frame: Frame) -> None:
        """Merges one server frame; what breaks the protocol is counted, and raised."""
        now = time.monotonic()
        share_updates(frame)
        came = list(updates_in(frame))
        self.seen += [(now, update) for update in came]
        if frame["type"] in TOLD:
            self.told.append((now, frame))
        room = self.rooms.get(frame.get("mission", "")) if frame["type"] == "update" else None
        try:
            super().apply(frame)
        except Violation as violation:
            again = room is not None and frame["seq"] <= room.seq
            self.faults["doubled" if again else "disordered"] += 1
            self.violations.append(str(violation))
            raise
        for update in came:
            self.arrived.setdefault(update["id"], now)
            awaited = self._awaited.pop(update["id"], None)
            if awaited is not None and not awaited.done():
                awaited.set_result(now)

    def forbidden(self, known: Known) -> list[Frame]:
        """What came although neither the rights of that moment nor those that had ended less than
        `grace` before allowed it, or after it had been taken back or given to others."""
        beyond = [update for at, update in self.seen if self._late(at, update) > self.grace]
        stale = [update for at, update in self.seen if _is_stale(at, update, known)]
        told = [frame for at, frame in self.told if self._beyond(at, frame, known) > self.grace]
        return [*beyond, *stale, *told]

    def latest_beyond(self) -> float:
        """The longest time after a right had ended at which something came that needed it."""
        late = [self._late(at, update) for at, update in self.seen]
        return max((one for one in late if one < FOREVER), default=0.0)

    def _welcome(self, frame: Frame) -> None:
        super()._welcome(frame)
        self._role = frame["agent"]["role"]
        if len(self._rights) > 1 and self._role == self.looker.viewer.role.value:
            self.moved.set()

    def _access_changed(self, frame: Frame) -> None:
        super()._access_changed(frame)
        self.moved.set()

    def _subscribed(self, frame: Frame) -> None:
        """A follower is owed everything from its first page on, which a later one may not skip.

        But where it missed more than is recovered, or its rights changed, it begins anew.
        """
        room = self.rooms.get(frame["mission"])
        same = room is not None and room.epoch == frame["epoch"]
        missed = frame["seq"] - room.seq if room is not None and same else 0
        if not frame["recovered"] and (room is None or missed >= RECOVERED_MOST):
            entries = frame["updates"]
            whole = not entries or entries[0]["seq"] == 1
            self.origin = None if whole else entries[0]["update"]["created_at"]
        super()._subscribed(frame)

    def _late(self, at: float, update: Frame) -> float:
        audience = audience_of(update)
        return self._since(at, lambda looker: can_see(looker, LOWEST, audience))

    def _beyond(self, at: float, frame: Frame, known: Known) -> float:
        """The same of a frame that carries no update."""
        match frame["type"]:
            case "welcome" | "mission":
                shown = frame.get("missions", [frame.get("mission")])
                levels = [Clearance.from_wire(one["classification"]) for one in shown]
                return max(
                    (self._since(at, _enters(level)) for level in levels),
                    default=0.0,
                )
            case "presence":
                return self._since(
                    at, lambda looker: may_enter(looker, LOWEST) and may_staff(looker.viewer)
                )
            case "sent":
                own = any(self._own(one.update) for one in _versions(frame["update"], known))
                return 0.0 if own else FOREVER
        return min(
            (
                self._since(at, _oversees(version.update, self._own(version.update)))
                for version in _versions(frame["update"], known)
                if at <= version.end + REVISED_WITHIN
            ),
            default=FOREVER,
        )

    def _own(self, update: Frame) -> bool:
        return self.agent is not None and self.agent["codename"] == update["author"]["codename"]

    def _since(self, at: float, allowed: Callable[[Looker], bool]) -> float:
        """Seconds since the right to it had ended: 0 with the right, infinite without ever."""
        return min(
            (
                max(0.0, at - right.end)
                for right in self._rights
                if right.begin <= at and allowed(right.looker)
            ),
            default=FOREVER,
        )


def _enters(level: Clearance) -> Callable[[Looker], bool]:
    return lambda looker: may_enter(looker, level)


def _oversees(update: Frame, own: bool) -> Callable[[Looker], bool]:
    audience = audience_of(update)

    def allowed(looker: Looker) -> bool:
        staffs = may_staff(looker.viewer) and can_see(looker, LOWEST, audience)
        return staffs or (own and may_review(looker, LOWEST, audience))

    return allowed


def _versions(update_id: str, known: Known) -> list[Version]:
    """What is known of an update; one that no author here wrote is as it was seen last."""
    seen = update_last_seen(update_id)
    return known.get(update_id, [Version(FOREVER, seen)] if seen is not None else [])


def _is_stale(at: float, update: Frame, known: Known) -> bool:
    """Whether it came as it had stopped to be long before."""
    versions = known.get(update["id"], [])
    return bool(versions) and not any(
        at <= version.end + REVISED_WITHIN
        and audience_of(version.update) == audience_of(update)
        and version.update["body"] == update["body"]
        for version in versions
    )
