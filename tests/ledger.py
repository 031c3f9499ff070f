"""What a correct client holds: frames merged by the rules of the protocol. No I/O.

The oracle of every test of delivery. It accepts what HQ may send and raises `Violation` at what HQ
must never send to an open socket: a number twice, a hole, an update nobody asked for, a snapshot
that is not dense. Frame types that it does not know are ignored, as every client must.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

Frame = dict[str, Any]


class Violation(AssertionError):
    """A frame that breaks the protocol."""


@dataclass
class Room:
    """One mission as the client holds it: `updates` by number, dense up to `seq`."""

    epoch: str
    seq: int
    updates: dict[int, Frame] = field(default_factory=dict)

    def bodies(self) -> list[str]:
        """The bodies in order."""
        return [self.updates[seq]["body"] for seq in sorted(self.updates)]

    def ids(self) -> list[str]:
        """The ids in order."""
        return [self.updates[seq]["id"] for seq in sorted(self.updates)]


@dataclass
class Ledger:
    """All that a client holds. `rooms` are the missions that it is subscribed to."""

    agent: Frame | None = None
    missions: dict[str, Frame] = field(default_factory=dict)
    rooms: dict[str, Room] = field(default_factory=dict)
    sent: dict[str, Frame] = field(default_factory=dict)
    acknowledged: set[str] = field(default_factory=set)

    def apply(self, frame: Frame) -> None:
        """Merges one server frame."""
        rules: dict[str, Callable[[Frame], None]] = {
            "welcome": self._welcome,
            "subscribed": self._subscribed,
            "update": self._update,
            "unsubscribed": self._unsubscribed,
            "mission": self._mission,
            "access_changed": self._access_changed,
            "published": self._published,
            "acknowledged": self._acknowledged,
        }
        rule = rules.get(frame["type"])
        if rule is not None:
            rule(frame)

    def cursor(self, mission: str) -> tuple[str | None, str]:
        """`after` and `epoch` of a resume from what is held."""
        room = self.rooms[mission]
        newest = room.updates.get(room.seq)
        return (newest["id"] if newest else None), room.epoch

    def _welcome(self, frame: Frame) -> None:
        if self.agent is not None:
            raise Violation("A second welcome on one socket.")
        self.agent = frame["agent"]
        self.missions = {mission["id"]: mission for mission in frame["missions"]}

    def _subscribed(self, frame: Frame) -> None:
        page = {entry["seq"]: entry["update"] for entry in frame["updates"]}
        first = frame["seq"] - len(page) + 1
        if list(page) != list(range(first, frame["seq"] + 1)):
            raise Violation(f"A page up to {frame['seq']} that is not dense: {list(page)}.")
        if frame["recovered"]:
            self._recover(frame, page)
        else:
            self.rooms[frame["mission"]] = Room(frame["epoch"], frame["seq"], page)
        self.acknowledged |= set(frame["acknowledged"])

    def _recover(self, frame: Frame, page: dict[int, Frame]) -> None:
        before = frame["seq"] - len(page)
        room = self.rooms.setdefault(frame["mission"], Room(frame["epoch"], before))
        if room.epoch != frame["epoch"]:
            raise Violation("Recovered across an epoch.")
        if before > room.seq:
            raise Violation(f"Recovered with a hole after {room.seq}: {list(page)}.")
        room.updates |= page
        room.seq = frame["seq"]

    def _update(self, frame: Frame) -> None:
        room = self.rooms.get(frame["mission"])
        if room is None:
            raise Violation("An update of a mission that is not subscribed.")
        if frame["epoch"] != room.epoch:
            raise Violation("An update of a foreign epoch without a reset.")
        if frame["seq"] != room.seq + 1:
            raise Violation(f"Update {frame['seq']} after {room.seq}.")
        room.updates[frame["seq"]] = frame["update"]
        room.seq = frame["seq"]

    def _unsubscribed(self, frame: Frame) -> None:
        self.rooms.pop(frame["mission"], None)
        if frame["reason"] == "access_revoked":
            self.missions.pop(frame["mission"], None)

    def _mission(self, frame: Frame) -> None:
        self.missions[frame["mission"]["id"]] = frame["mission"]

    def _access_changed(self, frame: Frame) -> None:
        self.rooms.clear()
        self.missions.clear()
        self.acknowledged.clear()

    def _published(self, frame: Frame) -> None:
        self.sent[frame["update"]["id"]] = frame["update"]

    def _acknowledged(self, frame: Frame) -> None:
        self.acknowledged.add(frame["update"])
