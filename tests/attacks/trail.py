"""What the audit log of a running server says, read beside it."""

import asyncio
import json
import time
from collections.abc import Callable
from typing import Any, NamedTuple
from uuid import UUID

from tests.attacks.attacker import rows
from tests.hq_server import HQServer

PATIENCE = 15.0
"""Refusals before authentication are folded for 10 s before they are written."""


class Row(NamedTuple):
    """One event; ids as people write them."""

    number: int
    event: str
    actor: str | None
    subject: str | None
    session: str | None
    address: str | None
    details: dict[str, Any]


class Trail:
    """The audit log of one server."""

    def __init__(self, server: HQServer) -> None:
        self.server = server
        self.owed: list[tuple[str, str, str]] = []

    def rows(self, **wanted: Any) -> list[Row]:
        """The events with these fields, oldest first; other names are looked up in the details."""
        found = rows(
            self.server,
            "SELECT number, event, actor, subject, session, address, details"
            " FROM agents_auditevent ORDER BY number",
        )
        events = [
            Row(number, event, _id(actor), _id(subject), _id(session), address, json.loads(details))
            for number, event, actor, subject, session, address, details in found
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

    def owes(self, event: str, reason: str, address: str) -> None:
        """A folded refusal that `test_trail` will look for, at once for all tests."""
        self.owed.append((event, reason, address))


def _id(stored: str | None) -> str | None:
    return None if stored is None else str(UUID(stored))


def _fits(event: Row, wanted: dict[str, Any]) -> bool:
    said = {**event.details, **event._asdict()}
    return all(said.get(name) == value for name, value in wanted.items())


async def eventually(
    holds: Callable[[], bool], what: str, shown: Callable[[], list[Row]], within: float = PATIENCE
) -> None:
    """Looks until the condition holds."""
    deadline = time.monotonic() + within
    while not holds():
        if time.monotonic() > deadline:
            raise AssertionError(f"Not in the audit log: {what}. Its end: {shown()[-5:]}")
        await asyncio.sleep(0.05)
