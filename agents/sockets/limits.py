"""How fast one socket may send, and how many may wait unauthenticated. In this process's memory."""

import time
from collections import Counter, deque

from django.conf import settings

from agents.addresses import address_group
from agents.protocol import MAX_FRAME_BYTES

MALFORMED_MOST = 10
MALFORMED_WITHIN = 60.0


def too_big(text: str) -> bool:
    """Whether a frame is over the limit, in bytes of UTF-8; most need no encoding to tell."""
    most = MAX_FRAME_BYTES
    if len(text) * 4 <= most:
        return False
    return len(text) > most or len(text.encode(errors="surrogatepass")) > most


class FrameRate:
    """A token bucket: so many frames a second, with a burst."""

    __slots__ = ("_left", "_seen")

    def __init__(self) -> None:
        self._left = float(settings.HQ_FRAME_BURST)
        self._seen = time.monotonic()

    def exceeded(self) -> bool:
        """Takes one frame; True when it is one too many."""
        now = time.monotonic()
        self._left = min(
            settings.HQ_FRAME_BURST, self._left + (now - self._seen) * settings.HQ_FRAMES_PER_SECOND
        )
        self._seen = now
        if self._left < 1:
            return True
        self._left -= 1
        return False


class Malformed:
    """Counts malformed frames over the last minute."""

    __slots__ = ("_times",)

    def __init__(self) -> None:
        self._times: deque[float] = deque()

    def exceeded(self) -> bool:
        """Takes one malformed frame; True at the tenth within a minute."""
        now = time.monotonic()
        self._times.append(now)
        while self._times[0] < now - MALFORMED_WITHIN:
            self._times.popleft()
        return len(self._times) >= MALFORMED_MOST


class Waiting:
    """How many sockets have not authenticated yet: in all, and by address."""

    def __init__(self) -> None:
        self._by_address: Counter[str] = Counter()
        self._total = 0

    def enter(self, address: str | None) -> "WaitingPlace | None":
        """Takes a place; None when there is none."""
        group = address_group(address)
        if (
            self._total >= settings.HQ_PENDING_PER_WORKER
            or self._by_address[group] >= settings.HQ_PENDING_PER_ADDRESS
        ):
            return None
        self._by_address[group] += 1
        self._total += 1
        return WaitingPlace(self, group)

    def give_back(self, group: str) -> None:
        """Called by the place itself."""
        self._total -= 1
        self._by_address[group] -= 1
        if not self._by_address[group]:
            del self._by_address[group]


class WaitingPlace:
    """A socket's place among those that have not authenticated yet."""

    __slots__ = ("_group", "_of")

    def __init__(self, of: Waiting, group: str) -> None:
        self._of: Waiting | None = of
        self._group = group

    def leave(self) -> None:
        """Gives the place back, the first time that it is called."""
        if self._of is not None:
            self._of.give_back(self._group)
            self._of = None


waiting = Waiting()
