"""`manage.py remove_otp`: for an agent who lost the authenticator and the recovery codes."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from agents import mfa
from agents.management.arguments import existing_agent


class Command(BaseCommand):
    """Removes the second factor and ends all sessions."""

    help = "Removes an agent's second factor and ends all its sessions. Make sure who asks for it."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("username")

    def handle(self, *args: Any, **options: Any) -> None:
        agent = existing_agent(options["username"])
        if not mfa.remove(agent):
            raise CommandError(f"{agent.username} has no second factor.")
        self.stdout.write(f"{agent.username} logs in without a second factor now.")
