"""What waits for one client until there is room, and whether the client is slow. Pure.

A client that reads is given what it can take, however much came at once; one that does not is known
by that and let go. Counts looks and not time: a worker that stood still looked no more than once.
Driven by `agents.sockets.outgoing`, which looks every `LOOK_EVERY` seconds while anything waits.
"""

from collections import deque
from typing import Any, NamedTuple

LOOK_EVERY = 0.02
"""Seconds between two looks; the kernel tells nobody when it takes bytes."""

LIVE_MOST = 1024 * 1024
"""Bytes of live frames that may wait. More, and the client has to take some, and soon all."""

LOOKS_WITHOUT_READING = 50
"""With more than `LIVE_MOST` waiting: a second in which nothing was taken."""

LOOKS_BEHIND = 250
"""The same, for a client that reads: five seconds after which less has to wait."""

LOOKS_STALLED = 500
"""With anything waiting: ten seconds in which nothing was taken."""


class Entry(NamedTuple):
    """Frames in the form that the server takes; `live` ones count towards `LIVE_MOST`."""

    frames: Any
    size: int
    live: bool


class Backlog:
    """What waits for one client. `waits` is what the server holds for it, in bytes, all along."""

    __slots__ = ("_behind", "_entries", "_given", "_still", "_taken", "live", "size")

    def __init__(self, waits: int) -> None:
        self._entries: deque[Entry] = deque()
        self._given = 0
        self._taken = -waits
        self._still = 0
        self._behind = 0
        self.size = 0
        self.live = 0

    def __bool__(self) -> bool:
        return bool(self._entries)

    def add(self, entry: Entry) -> None:
        """Takes frames that come after all that waits."""
        self._entries.append(entry)
        self.size += entry.size
        self.live += entry.size if entry.live else 0

    def next(self) -> Entry:
        """The frames that the server is given next."""
        entry = self._entries.popleft()
        self.size -= entry.size
        self.live -= entry.size if entry.live else 0
        self._given += entry.size
        return entry

    def slow(self, waits: int) -> bool:
        """One look: whether the client has had time enough."""
        taken = self._given - waits
        self._still = 0 if taken > self._taken or not waits else self._still + 1
        self._taken = max(taken, self._taken)
        if self.live <= LIVE_MOST:
            self._behind = 0
            return self._still >= LOOKS_STALLED
        self._behind += 1
        return self._still >= LOOKS_WITHOUT_READING or self._behind >= LOOKS_BEHIND
