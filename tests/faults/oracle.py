"""The one judge of every fault: what was promised, what each agent holds, and whether they agree.

An update answered 2xx is promised, as it was revised last. At the end every follower must hold
exactly what a fresh walk through all pages of the log gives its agent, from the oldest that it
holds on: each once, in order; what a snapshot left out it must have known before. The log must hold
everything promised that the rule lets the agent see. At no moment may a frame of any type carry
what the agent may not see; after a right was taken, `grace` seconds later. A write that was not
answered may be either: repeating it with the same `client_id` settles it.
"""

import json
import os
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from agents.roles import Clearance, Role, Viewer
from missions.audiences import Audience, Looker
from tests.cast import Member
from tests.ledger import Frame

REPORT = "HQ_FAULTS_REPORT"
"""Names a file to which every verdict is appended as a line of JSON."""


@dataclass
class Verdict:
    """What a fault cost. All counts must be 0. Times in seconds.

    `denied`: who came back and was sent a snapshot in the place of exactly what it missed.
    """

    fault: str
    where: str
    promised: int = 0
    lost: int = 0
    doubled: int = 0
    disordered: int = 0
    forbidden: int = 0
    denied: int = 0
    whole: float | None = None
    slowest_write: float | None = None
    notes: dict[str, Any] = field(default_factory=dict)

    @property
    def wrong(self) -> dict[str, int]:
        """The counts that are not 0."""
        counts = ("lost", "doubled", "disordered", "forbidden", "denied")
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


class Version(NamedTuple):
    """An update as it stood until `end`, by the clock of `time.monotonic`."""

    end: float
    update: Frame


Known = dict[str, list[Version]]
"""Updates by id as they stood one after the other; the last ends only if it was retracted."""

FOREVER = float("inf")

_known: dict[str, Frame] = {}


def last_seen(update_id: str) -> Frame | None:
    """That update as somebody was sent it last."""
    return _known.get(update_id)


def share_updates(frame: Frame) -> None:
    """Lets all clients of a run hold the same update once: a thousand sockets fit in memory."""
    entries = {"subscribed": frame.get("updates", []), "update": [frame]}
    for entry in entries.get(frame["type"], []):
        update = entry["update"]
        known = _known.setdefault(update["id"], update)
        entry["update"] = known if known == update else update


class Holding(NamedTuple):
    """What one follower holds in the end: ids in order, and all that it ever knew.

    `origin`: the time of the oldest update that it was to be sent; None for all.
    """

    ids: list[str]
    known: Collection[str]
    origin: str | None


def compare(verdict: Verdict, held: Holding, entries: list[Frame], promised: Known) -> None:
    """One follower and its log, and what it was promised; adds faults up.

    What the log has before the oldest that is held was left out of a snapshot: known before, or
    older than the follower, or shown to it by a revision.
    """
    log = [entry["update"]["id"] for entry in entries]
    ids = held.ids
    verdict.lost += len(promised.keys() - set(log))
    begin = log.index(ids[0]) if ids and ids[0] in log else 0
    left_out = {
        entry["update"]["id"]
        for entry in entries[:begin]
        if held.origin is None or entry["update"]["created_at"] >= held.origin
    }
    revised = {key for key, versions in promised.items() if len(versions) > 1}
    verdict.lost += len(left_out - set(held.known) - revised)
    due = log[begin:]
    verdict.lost += len(set(due) - set(ids))
    verdict.forbidden += len(set(ids) - set(log))
    verdict.doubled += len(ids) - len(set(ids)) + len(log) - len(set(log))
    common = [key for key in ids if key in set(due)]
    verdict.disordered += common != [key for key in due if key in set(ids)]
