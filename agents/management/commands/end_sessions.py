"""`manage.py end_sessions`: logs an agent out everywhere."""

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from agents.management.arguments import existing_agent
from agents.sessions import end_sessions


class Command(BaseCommand):
    """Ends sessions of every kind; open sockets are closed within a second."""

    help = "Ends all sessions of an agent, the ones of programs too. The account stays as it is."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("username")

    def handle(self, *args: Any, **options: Any) -> None:
        agent = existing_agent(options["username"])
        ended = end_sessions(agent.id, reason="administrator")
        self.stdout.write(f"Ended {ended} session{'' if ended == 1 else 's'} of {agent.username}.")
