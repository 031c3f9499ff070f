"""`manage.py prune`: forgets what is old: sockets, tickets, sessions, and closed missions' logs."""

import datetime as dt
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from agents import retention as accounts
from missions import retention


class Command(BaseCommand):
    """Deletes in small steps, so that nobody waits for it."""

    help = (
        "Delete closed connections, used tickets and ended sessions that are old. With --updates "
        "also the oldest updates of completed and aborted missions, as far as an export by an "
        "agent who sees everything has written them (export_mission)."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """The ages, in days."""
        parser.add_argument(
            "--days", type=int, default=90, help="age of connections and sessions (90)"
        )
        parser.add_argument("--updates", type=int, metavar="DAYS", help="age of updates (never)")

    def handle(self, *args: Any, **options: Any) -> None:
        """Prunes, and says what is gone."""
        if options["days"] < 1 or (options["updates"] is not None and options["updates"] < 1):
            raise CommandError("Ages are whole days, 1 or more.")
        now = timezone.now()
        gone = accounts.prune(now - dt.timedelta(days=options["days"]))
        if options["updates"] is not None:
            before = now - dt.timedelta(days=options["updates"])
            missions = retention.prunable(before)
            gone["updates"] = sum(retention.prune(mission, before) for mission in missions)
        self.stdout.write(
            "Deleted " + ", ".join(f"{number} {what}" for what, number in gone.items()) + "."
        )
