"""`manage.py seed_demo`: the demo, once, in development only."""

from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError

from missions import demo, demo_log


class Command(BaseCommand):
    """Writes the demo if it is not there, and prints who may log in."""

    help = (
        "Writes the demo: six agents, three missions and a log of two days. Does nothing "
        "when it is there already. Prints the logins. Refused unless HQ_DEBUG is on."
    )
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        """Seeds; a `CommandError` says what to do when that cannot be."""
        if not settings.HQ_DEVELOPMENT:
            raise CommandError(
                "The demo has a published password. Set HQ_DEBUG=1 to seed it in development."
            )
        if not demo.seeded():
            try:
                demo.seed()
            except ValidationError as error:
                raise CommandError(
                    f"The demo was not written: {' '.join(error.messages)} "
                    "Use an empty database, or rename that agent."
                ) from None
        self.stdout.write(logins())


def logins() -> str:
    """The table of demo logins, as `make run` shows it."""
    rows = [("USERNAME", "PASSWORD", "CODENAME", "ROLE", "CLEARANCE")] + [
        (who.username, demo_log.PASSWORD, who.codename, who.role.value, who.clearance.wire)
        for who in demo_log.PEOPLE
    ]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    )
