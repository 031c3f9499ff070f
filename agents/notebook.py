"""Audit events that no transaction waits for: connects, closes, refusals.

A bounded queue of this process, appended to the log in batches every 250 ms by a thread of its
own. Refusals before authentication are folded: one row per address, reason and 10 seconds, with a
count, so that a flood of bad tokens costs a row and not a table. What does not fit is counted, and
the count is written. Called by sockets, views and middleware; the log itself is `agents.audit`.
"""

import atexit
import logging
import threading
import time
from typing import Any
from uuid import UUID

from django.db import DatabaseError, connections
from django.utils import timezone

from agents import audit, checkpoints
from agents.audit import Entry

logger = logging.getLogger(__name__)

EVERY = 0.25
FOLD = 10.0
MOST = 10_000
"""Events that may wait, and addresses with reasons that may be folded."""


class Notebook:
    """One process's waiting events, and the thread that writes them, unless others do."""

    def __init__(self, *, by_itself: bool = True) -> None:
        self._by_itself = by_itself
        self._lock = threading.Lock()
        self._waiting: list[Entry] = []
        self._folded: dict[tuple[str, str | None, str], tuple[float, Entry, int]] = {}
        self._dropped = 0
        self._wake = threading.Event()
        self._thread: threading.Thread | None = None

    def note(self, entry: Entry) -> None:
        """Takes an event; never waits."""
        with self._lock:
            if len(self._waiting) >= MOST:
                self._dropped += 1
            else:
                self._waiting.append(entry)
            self._begin()

    def fold(self, entry: Entry, reason: str) -> None:
        """Takes a refusal before authentication; counted with others of its kind."""
        key = (entry.event, entry.address, reason)
        with self._lock:
            first, kept, count = self._folded.get(key, (time.monotonic(), entry, 0))
            if count or len(self._folded) < MOST:
                self._folded[key] = (first, kept, count + 1)
            else:
                self._dropped += 1
            self._begin()

    def flush(self, *, folded_too: bool = True) -> None:
        """Writes what waits, now, in the calling thread; what cannot be written waits on."""
        entries = self._take(everything=folded_too)
        if not entries:
            return
        try:
            checkpoints.consider(audit.append(entries))
        except DatabaseError as error:
            logger.warning("audit: %d events wait for the database", len(entries))
            logger.debug("audit: %s", type(error).__name__)
            with self._lock:
                self._waiting[:0] = entries

    def _take(self, *, everything: bool) -> list[Entry]:
        edge = time.monotonic() - FOLD
        with self._lock:
            entries, self._waiting = self._waiting, []
            for key, (first, entry, count) in list(self._folded.items()):
                if everything or first <= edge:
                    del self._folded[key]
                    entries.append(entry._replace(details={**entry.details, "count": count}))
            if self._dropped:
                details = {"dropped": self._dropped}
                entries.append(Entry(timezone.now(), "audit_overflow", details=details))
                self._dropped = 0
        return entries

    def _begin(self) -> None:
        if self._by_itself and (self._thread is None or not self._thread.is_alive()):
            self._thread = threading.Thread(target=self._run, name="hq-audit", daemon=True)
            self._thread.start()

    def _run(self) -> None:
        try:
            while True:
                self._wake.wait(EVERY)
                self.flush(folded_too=False)
                connections.close_all()
        except Exception:
            logger.exception("audit: the thread that writes ended; the next event starts it again")


_notebook = Notebook()
atexit.register(_notebook.flush)


def note(
    event: str,
    *,
    actor: UUID | None = None,
    subject: UUID | None = None,
    session: UUID | None = None,
    address: str | None = None,
    **details: Any,
) -> None:
    """Takes an event of an authenticated agent, or of the process."""
    _notebook.note(Entry(timezone.now(), event, actor, subject, session, address, details))


def refused(event: str, reason: str, address: str | None, **details: Any) -> None:
    """Takes a refusal before authentication; folded by address and reason."""
    entry = Entry(timezone.now(), event, address=address, details={"reason": reason, **details})
    _notebook.fold(entry, reason)


def flush() -> None:
    """Writes everything that waits, now."""
    _notebook.flush()
