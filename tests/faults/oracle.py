"""The one judge of every fault: what was promised, what each agent holds, and whether they agree.

An update answered 2xx is promised. At the end every follower must hold exactly what a fresh walk
through all pages of the log gives its agent, from the oldest that it holds on: each once, in order;
and the log must hold everything promised that the rule lets the agent see. At no moment may a frame
carry what the agent may not see; after a right was taken, `grace` seconds later. A write that was
not answered may be either: repeating it with the same `client_id` settles it.
"""

import asyncio
import json
import os
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from agents.roles import Clearance, Role, Viewer
from missions.audiences import Audience, Looker, can_see
from tests.cast import Member
from tests.ledger import Frame, Ledger, Violation

REPORT = "HQ_FAULTS_REPORT"
"""Names a file to which every verdict is appended as a line of JSON."""


@dataclass
class Verdict:
    """What a fault cost. All counts must be 0. Times in seconds."""

    fault: str
    where: str
    promised: int = 0
    lost: int = 0
    doubled: int = 0
    disordered: int = 0
    forbidden: int = 0
    whole: float | None = None
    slowest_write: float | None = None
    notes: dict[str, Any] = field(default_factory=dict)

    @property
    def wrong(self) -> dict[str, int]:
        """The counts that are not 0."""
        counts = ("lost", "doubled", "disordered", "forbidden")
        return {name: getattr(self, name) for name in counts if getattr(self, name)}

    def tell(self) -> None:
        """Prints the row of the table."""
        row = {name: value for name, value in vars(self).items() if name != "notes"} | self.notes
        row = {
            name: round(value, 3) if isinstance(value, float) else value
            for name, value in row.items()
            if value is not None
        }
        print("  ".join(f"{name} {value}" for name, value in row.items()))
        if path := os.environ.get(REPORT):
            with Path(path).open("a", encoding="utf-8") as report:
                report.write(json.dumps(row) + "\n")


class Right(NamedTuple):
    """What an agent may see between two moments."""

    begin: float
    end: float
    looker: Looker


class Witness(Ledger):
    """A correct client's ledger that also remembers when what came, and what never should have."""

    def __init__(self, looker: Looker, grace: float = 1.0) -> None:
        super().__init__()
        self.grace = grace
        self.seen: list[tuple[float, Frame]] = []
        self.violations: list[str] = []
        self.arrived: dict[str, float] = {}
        self.moved = asyncio.Event()
        self.faults: Counter[str] = Counter()
        self._rights = [Right(0.0, float("inf"), looker)]
        self._awaited: dict[str, asyncio.Future[float]] = {}

    def grant(self, looker: Looker, asked: float, committed: float) -> None:
        """The agent has these rights instead: none before `asked`, the old until `committed`."""
        self._rights[-1] = self._rights[-1]._replace(end=committed)
        self._rights.append(Right(asked, float("inf"), looker))

    @property
    def looker(self) -> Looker:
        """The rights that were given last."""
        return self._rights[-1].looker

    def _access_changed(self, frame: Frame) -> None:
        super()._access_changed(frame)
        self.moved.set()

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

    def forbidden(self) -> list[Frame]:
        """What came although neither the rights of that moment nor those that had ended less than
        `grace` before allowed it. Judged in the end: a right ends before one hears of it."""
        return [update for at, update in self.seen if self._beyond(at, update) > self.grace]

    def latest_beyond(self) -> float:
        """The longest time after a right had ended at which something came that needed it."""
        late = [self._beyond(at, update) for at, update in self.seen]
        return max((one for one in late if one < float("inf")), default=0.0)

    def _beyond(self, at: float, update: Frame) -> float:
        """Seconds since the right to see it had ended: 0 with the right, infinite without ever."""
        audience = audience_of(update)
        return min(
            (
                max(0.0, at - right.end)
                for right in self._rights
                if right.begin <= at and can_see(right.looker, Clearance.RESTRICTED, audience)
            ),
            default=float("inf"),
        )


def looker_for(member: Member, *, assigned: bool = True) -> Looker:
    """The rights that the cast's list gives."""
    return Looker(Viewer(member.role, member.clearance), assigned=assigned)


def audience_of(update: Frame) -> Audience:
    """Whom an update on the wire is for."""
    roles = frozenset(Role(name) for name in update["roles"])
    return Audience(Clearance.from_wire(update["classification"]), roles)


def updates_in(frame: Frame) -> Iterator[Frame]:
    """The updates of others that a server frame carries."""
    if frame["type"] == "update":
        yield frame["update"]
    elif frame["type"] == "subscribed":
        yield from (entry["update"] for entry in frame["updates"])


_known: dict[str, Frame] = {}


def share_updates(frame: Frame) -> None:
    """Lets all clients of a run hold the same update once: a thousand sockets fit in memory."""
    entries = {"subscribed": frame.get("updates", []), "update": [frame]}
    for entry in entries.get(frame["type"], []):
        update = entry["update"]
        known = _known.setdefault(update["id"], update)
        entry["update"] = known if known == update else update


def compare(verdict: Verdict, held: list[str], log: list[str], promised: set[str]) -> None:
    """One follower's ids and its log's, both in order, and what it was promised; adds faults up.

    What the log has before the oldest that is held was left out of a snapshot.
    """
    verdict.lost += len(promised - set(log))
    due = log[log.index(held[0]) :] if held and held[0] in log else log
    verdict.lost += len(set(due) - set(held))
    verdict.forbidden += len(set(held) - set(log))
    verdict.doubled += len(held) - len(set(held)) + len(log) - len(set(log))
    common = [key for key in held if key in set(due)]
    verdict.disordered += common != [key for key in due if key in set(held)]
