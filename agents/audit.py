"""The security log: one append-only table in which each row is chained to the one before.

Owns the only inserts of `AuditEvent`. `record` writes in its caller's transaction, so that a change
of rights, sessions or credentials and its row stand or fall together; it locks the head last (lock
order: mission, agent, session, audit head). What no transaction belongs to goes through
`agents.notebook`. Secret values and update bodies never come here. Event names follow OWASP's
application logging vocabulary. ASVS 5.0: 16.2.1, 16.3.1 to 16.3.4, 16.4.2.
"""

import datetime as dt
import hashlib
import json
from collections.abc import Iterable
from typing import Any, NamedTuple
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from agents.models import AuditEvent, AuditHead

CHUNK = 1_000
"""Rows read at once by `first_bad`."""


class Entry(NamedTuple):
    """One event before it has a number. `actor` did it, `subject` is whom it is about."""

    at: dt.datetime
    event: str
    actor: UUID | None = None
    subject: UUID | None = None
    session: UUID | None = None
    address: str | None = None
    details: dict[str, Any] = {}


class Fault(NamedTuple):
    """The first row that is not as it was written."""

    number: int
    reason: str


def record(
    event: str,
    *,
    actor: UUID | None = None,
    subject: UUID | None = None,
    session: UUID | None = None,
    address: str | None = None,
    **details: Any,
) -> None:
    """Appends one event; call it last in the transaction that the event belongs to."""
    append([Entry(timezone.now(), event, actor, subject, session, address, details)])


def append(entries: Iterable[Entry]) -> AuditHead:
    """Appends events in their order; returns the head."""
    with transaction.atomic():
        head, _ = AuditHead.objects.select_for_update().get_or_create(pk=1)
        rows = []
        for entry in entries:
            row = AuditEvent(**entry._asdict(), number=head.number + 1, previous=head.digest)
            row.details = json.loads(json.dumps(row.details))
            row.digest = digest_of(row)
            head.number, head.digest = row.number, row.digest
            rows.append(row)
        AuditEvent.objects.bulk_create(rows)
        head.save(update_fields=["number", "digest"])
    return head


def digest_of(row: AuditEvent) -> str:
    """The SHA-256, in hex, of everything in the row but itself, in a canonical form."""
    said = [
        row.number,
        row.at.astimezone(dt.UTC).isoformat(timespec="microseconds"),
        row.event,
        *(None if value is None else str(value) for value in (row.actor, row.subject, row.session)),
        row.address,
        row.details,
        row.previous,
    ]
    canonical = json.dumps(said, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()


def first_bad() -> Fault | None:
    """Reads the whole log; the first row that was edited, moved, or comes after a missing one.

    Rows that are appended meanwhile are read too and are no fault.
    """
    before = AuditHead.objects.filter(pk=1).first() or AuditHead()
    number, digest = 0, AuditHead().digest
    while True:
        rows = list(AuditEvent.objects.filter(number__gt=number).order_by("number")[:CHUNK])
        for row in rows:
            if row.number != number + 1:
                return Fault(number + 1, "is missing")
            if row.previous != digest:
                return Fault(row.number, "does not follow the row before it")
            if row.digest != digest_of(row):
                return Fault(row.number, "was edited")
            number, digest = row.number, row.digest
            if number == before.number and digest != before.digest:
                return Fault(number, "is not what the head of the log says")
        if len(rows) < CHUNK:
            break
    if before.number > number:
        return Fault(number + 1, "is missing at the end")
    after = AuditHead.objects.filter(pk=1).first() or AuditHead()
    if after.number < number:
        return Fault(number, "is not what the head of the log says")
    return None
