"""Whether PostgreSQL is stuck: after two calls without an answer, new ones do not wait for theirs.

One for the process, told by every connection. While it is open one call a second is let through to
find out; the first answer closes it. A thread that has just waited in vain is refused in any case:
Django connects anew to tidy up after a commit that was stuck, and one request waits only once.
"""

import threading
import time
from collections.abc import Callable

STUCK_CALLS = 2
TRY_EVERY = 1.0


class Breaker:
    """Counts calls that were stuck since the last answer. Safe from any thread."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._stuck = 0
        self._next_try = 0.0
        self._own = threading.local()

    def refuses(self) -> bool:
        """Whether a call that begins now in this thread should be refused at once."""
        now = self._clock()
        if now < getattr(self._own, "until", 0.0):
            return True
        if self._stuck < STUCK_CALLS:
            return False
        with self._lock:
            if now < self._next_try:
                return True
            self._next_try = now + TRY_EVERY
            return False

    def stuck(self) -> None:
        """A call of this thread had no answer in time."""
        self._own.until = self._clock() + TRY_EVERY
        with self._lock:
            self._stuck += 1
            self._next_try = self._clock() + TRY_EVERY

    def answered(self) -> None:
        """A call was answered."""
        self._stuck = 0


breaker = Breaker()
"""This process's."""
