"""Audit events that no transaction waits for: connects, closes, refusals.

A bounded queue of this process, appended to the log in batches every 250 ms by a thread of its
own, which the serving process begins (`begin`) and asks for all at its end (`flush`); in any other
process it begins with the first event, and the rest is written at exit.
Refusals are folded: one row per address, agent, reason and 10 seconds, with a count, so that a
flood of bad tokens costs a row and not a table; a /64 of IPv6 is one address, and the row names the
first of it. What does not fit is counted, and the count is written. While the database is away
everything waits. Called by sockets, views and middleware; the log itself is `agents.audit`.
"""

import atexit
import contextlib
import logging
import threading
import time
from typing import Any
from uuid import UUID

from django.core.exceptions import ImproperlyConfigured
from django.db import Error as DatabaseFailure
from django.db import InterfaceError, OperationalError, connections
from django.utils import timezone

from agents import audit, checkpoints
from agents.addresses import address_group
from agents.audit import Entry
from agents.models import AuditHead

logger = logging.getLogger(__name__)

EVERY = 0.25
FOLD = 10.0
MOST = 10_000
"""Events that may wait, and addresses with reasons that may be folded."""

OVERFLOW = "audit_overflow"

_Kind = tuple[str, str, UUID | None, str]


class Notebook:
    """One process's waiting events, and the thread that writes them, unless others do."""

    def __init__(self, *, by_itself: bool = True) -> None:
        self._by_itself = by_itself
        self._lock = threading.Lock()
        self._waiting: list[Entry] = []
        self._folded: dict[_Kind, tuple[float, Entry, int]] = {}
        self._dropped = 0
        self._away = False
        self._thread: threading.Thread | None = None

    def begin(self) -> None:
        """Starts the thread that writes, if it is to be this notebook's own and does not run."""
        with self._lock:
            self._begin()

    def note(self, entry: Entry) -> None:
        """Takes an event; never waits."""
        with self._lock:
            if len(self._waiting) >= MOST:
                self._dropped += 1
            else:
                self._waiting.append(entry)
            self._begin()

    def fold(self, entry: Entry, reason: str) -> None:
        """Takes a refusal; counted with others of its kind."""
        key = (entry.event, address_group(entry.address), entry.subject, reason)
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
            head = self._written(entries)
        except (OperationalError, InterfaceError) as error:
            if not self._away:
                logger.warning("audit: events wait for the database (%s)", type(error).__name__)
            self._away = True
            self._put_back(entries)
            return
        self._away = False
        try:
            checkpoints.consider(head)
        except (OSError, ImproperlyConfigured) as error:
            logger.error("audit: no checkpoint was written (%s)", type(error).__name__)

    def _written(self, entries: list[Entry]) -> AuditHead:
        try:
            return audit.append(entries)
        except (OperationalError, InterfaceError):
            raise
        except (DatabaseFailure, ValueError, TypeError) as error:
            if len(entries) == 1:
                logger.error(
                    "audit: %s cannot be kept (%s)", entries[0].event, type(error).__name__
                )
                return audit.append([self._overflow(1)])
        # One of them is no row: it must not hold up the others for ever.
        for entry in entries:
            head = self._written([entry])
        return head

    def _take(self, *, everything: bool) -> list[Entry]:
        edge = time.monotonic() - FOLD
        with self._lock:
            entries, self._waiting = self._waiting, []
            for key, (first, entry, count) in list(self._folded.items()):
                if everything or first <= edge:
                    del self._folded[key]
                    entries.append(entry._replace(details={**entry.details, "count": count}))
            if self._dropped:
                entries.append(self._overflow(self._dropped))
                self._dropped = 0
        return entries

    def _put_back(self, entries: list[Entry]) -> None:
        """What could not be written waits again, before what came meanwhile, as far as it fits."""
        with self._lock:
            waiting = [*entries, *self._waiting]
            self._dropped += sum(e.details["dropped"] for e in waiting if e.event == OVERFLOW)
            waiting = [entry for entry in waiting if entry.event != OVERFLOW]
            self._dropped += sum(entry.details.get("count", 1) for entry in waiting[MOST:])
            self._waiting = waiting[:MOST]

    def _overflow(self, dropped: int) -> Entry:
        return Entry(timezone.now(), OVERFLOW, details={"dropped": dropped})

    def _begin(self) -> None:
        if self._by_itself and self._thread is None:
            self._thread = threading.Thread(target=self._run, name="hq-audit", daemon=True)
            self._thread.start()

    def _run(self) -> None:
        while True:
            time.sleep(EVERY)
            try:
                self.flush(folded_too=False)
                if not self._away:
                    checkpoints.look()
            except Exception as error:  # noqa: BLE001  (whatever it was, the next round tries again)
                logger.warning("audit: not written (%s)", type(error).__name__)
            finally:
                connections.close_all()


_notebook = Notebook()


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


def refused(
    event: str,
    reason: str,
    address: str | None,
    *,
    actor: UUID | None = None,
    subject: UUID | None = None,
    session: UUID | None = None,
    **details: Any,
) -> None:
    """Takes a refusal; folded by address, agent and reason. `details` are those of the first.

    `subject`: whom somebody not known claimed to be; of an `actor` it is the actor.
    """
    said = {"reason": reason, **details}
    entry = Entry(timezone.now(), event, actor, subject or actor, session, address, said)
    _notebook.fold(entry, reason)


def begin() -> None:
    """Has this process write what waits from now on; once its loop runs, never before a fork."""
    _notebook.begin()


def flush() -> None:
    """Writes everything that waits, now."""
    _notebook.flush()


@atexit.register
def _flush_at_exit() -> None:
    # Too late to tell anybody what went wrong.
    with contextlib.suppress(Exception):
        flush()
