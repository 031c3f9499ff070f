"""How fast REST may be called: by an address, and by an agent. In this process's memory alone.

Generous: people and programs at work never meet these limits, a loop gone wild or a flood of bad
tokens does. An address is counted before anything is read, an agent once it is known. Logins have
stricter limits of their own, in `agents.lockout`.
"""

import threading
import time
from collections import OrderedDict

from django.conf import settings

from agents import notebook
from agents.addresses import address_group
from agents.errors import RateLimited

MOST_KEPT = 20_000
"""Callers that are remembered; the one that called longest ago is forgotten first."""


class Buckets:
    """A token bucket for each caller: so many calls a second, with a burst."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, caller: str, rate: float, burst: float) -> float:
        """Takes a call: 0 when it is allowed, else the seconds until the next one is."""
        now = time.monotonic()
        with self._lock:
            left, seen = self._kept.pop(caller, (burst, now))
            left = min(burst, left + (now - seen) * rate)
            allowed = left >= 1
            self._kept[caller] = (left - 1 if allowed else left, now)
            if len(self._kept) > MOST_KEPT:
                self._kept.popitem(last=False)
        return 0.0 if allowed else (1 - left) / rate


_buckets = Buckets()


def address_calls(address: str | None) -> None:
    """Counts a call of an address; `RateLimited` when it is one too many."""
    if address is not None:
        rate, burst = settings.HQ_ADDRESS_CALLS_PER_SECOND, settings.HQ_ADDRESS_CALL_BURST
        _take(f"address {address_group(address)}", rate, burst, address)


def agent_calls(agent_id: object, address: str | None) -> None:
    """Counts a call of an agent; `RateLimited` when it is one too many."""
    _take(f"agent {agent_id}", settings.HQ_CALLS_PER_SECOND, settings.HQ_CALL_BURST, address)


def _take(caller: str, rate: float, burst: float, address: str | None) -> None:
    if wait := _buckets.take(caller, rate, burst):
        notebook.refused("excess_rate_limit_exceeded", "calls", address)
        raise RateLimited(retry_after=int(wait) + 1)
