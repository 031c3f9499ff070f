"""`manage.py issue_token`: HQ's API key, a token for a program."""

import datetime as dt
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from agents.errors import TokenInvalid
from agents.management.arguments import existing_agent
from agents.models import Session
from agents.protocol import wire_time
from agents.sessions import SERVICE_LIFETIME, issue_access, open_session

MOST_MINUTES = int(SERVICE_LIFETIME.total_seconds() // 60)
NAME_LENGTH = 80


class Command(BaseCommand):
    """Opens a session of kind `service`, which is listed and ended like any other."""

    help = (
        "Prints an access token for a program that acts as this agent. It cannot be refreshed and "
        "lives 30 days at most; end_sessions ends it."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("username")
        parser.add_argument(
            "--minutes",
            type=int,
            default=MOST_MINUTES,
            help=f"how long it lives, 1 to {MOST_MINUTES} (30 days, the default)",
        )
        parser.add_argument("--name", default="", help="what it is for; shown in lists of sessions")

    def handle(self, *args: Any, **options: Any) -> None:
        if not 1 <= options["minutes"] <= MOST_MINUTES:
            raise CommandError(f"--minutes must be a whole number from 1 to {MOST_MINUTES}.")
        if len(options["name"]) > NAME_LENGTH:
            raise CommandError(f"--name must have {NAME_LENGTH} characters at most.")
        agent = existing_agent(options["username"])
        try:
            session = open_session(
                agent,
                kind=Session.Kind.SERVICE,
                name=options["name"],
                expires_at=timezone.now() + dt.timedelta(minutes=options["minutes"]),
            )
        except TokenInvalid:
            raise CommandError(
                f"{agent.username} is disabled. Enable the account with "
                f"`manage.py set_access {agent.username} --enable` first."
            ) from None
        token, expires_at = issue_access(session)
        # Alone on standard output, so that a script can take it.
        self.stdout.write(token)
        self.stderr.write(f"Good until {wire_time(expires_at)} as session {session.id}.")
