"""What the audit log of a running server says, read beside it."""

import asyncio
import datetime as dt
import json
import time
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple
from uuid import UUID

from tests.attacks.attacker import rows
from tests.hq_server import HQServer
from tests.patience import PATIENCE


class Row(NamedTuple):
    """One event; ids as people write them."""

    number: int
    event: str
    actor: str | None
    subject: str | None
    session: str | None
    address: str | None
    details: dict[str, Any]
    at: dt.datetime


class Owed(NamedTuple):
    """A folded refusal that must be in the log; `attempts`: how many it must count, if known.

    Over REST and from frames a reason goes on with the call or the type of the frame.
    """

    event: str
    reason: str
    address: str | None
    actor: str | None
    attempts: int | None

    def rows(self, events: "list[Row]") -> "list[Row]":
        """Those among the events that are of it."""
        return [
            one
            for one in events
            if one.event == self.event
            and f"{one.details.get('reason')} ".startswith(f"{self.reason} ")
            and self.address in (None, one.address)
            and self.actor in (None, one.actor)
        ]

    def paid(self, events: "list[Row]") -> bool:
        """Whether they are there."""
        found = self.rows(events)
        counted = sum(one.details["count"] for one in found)
        return bool(found) if self.attempts is None else counted == self.attempts


class Trail:
    """The audit log of one server."""

    def __init__(self, server: HQServer) -> None:
        self.server = server
        self.owed: list[Owed] = []

    def rows(self, **wanted: Any) -> list[Row]:
        """The events with these fields, oldest first; other names are looked up in the details."""
        found = rows(
            self.server,
            "SELECT number, event, actor, subject, session, address, details, at"
            " FROM agents_auditevent ORDER BY number",
        )
        events = [
            Row(
                number,
                event,
                _id(actor),
                _id(subject),
                _id(session),
                address,
                json.loads(details),
                dt.datetime.fromisoformat(at),
            )
            for number, event, actor, subject, session, address, details, at in found
        ]
        return [event for event in events if _fits(event, wanted)]

    async def expect(self, event: str, **wanted: Any) -> Row:
        """The newest such event, once it is there."""
        found: list[Row] = []

        def there() -> bool:
            found[:] = self.rows(event=event, **wanted)
            return bool(found)

        await eventually(there, f"{event} {wanted}", self.rows)
        return found[-1]

    def owes(
        self,
        event: str,
        reason: str,
        address: str | None = None,
        *,
        actor: str | None = None,
        attempts: int | None = None,
    ) -> None:
        """A folded refusal that `test_trail` will look for, at once for all tests."""
        self.owed.append(Owed(event, reason, address, actor, attempts))


def _id(stored: str | None) -> str | None:
    return None if stored is None else str(UUID(stored))


def _fits(event: Row, wanted: dict[str, Any]) -> bool:
    said = {**event.details, **event._asdict()}
    return all(said.get(name) == value for name, value in wanted.items())


async def eventually(
    holds: Callable[[], bool],
    what: str,
    shown: Callable[[], Sequence[object]],
    within: float = PATIENCE,
) -> None:
    """Looks until the condition holds."""
    deadline = time.monotonic() + within
    while not holds():
        if time.monotonic() > deadline:
            raise AssertionError(f"Not in the audit log: {what}. Its end: {shown()[-5:]}")
        await asyncio.sleep(0.05)
