"""`manage.py set_access`: what an agent may see, changed from a terminal."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from agents.accounts import set_access
from agents.management.arguments import clearance, existing_agent, role


class Command(BaseCommand):
    """Changes what is named; open sockets follow within a second."""

    help = "Changes an agent's role or clearance, or disables or enables the account."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("username")
        parser.add_argument(
            "--role", type=role, help="director, handler, analyst or field-operative"
        )
        parser.add_argument(
            "--clearance", type=clearance, help="restricted, confidential, secret or top-secret"
        )
        activity = parser.add_mutually_exclusive_group()
        activity.add_argument(
            "--disable",
            action="store_const",
            const=False,
            dest="is_active",
            help="refuse the agent everywhere and end all sessions",
        )
        activity.add_argument(
            "--enable",
            action="store_const",
            const=True,
            dest="is_active",
            help="let the agent log in again",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        wanted = {name: options[name] for name in ("role", "clearance", "is_active")}
        if all(value is None for value in wanted.values()):
            raise CommandError("Say what to change: --role, --clearance, --disable or --enable.")
        agent = set_access(existing_agent(options["username"]).id, **wanted)
        self.stdout.write(
            f"{agent.username}: {agent.role}, {agent.get_clearance_display()}, "
            f"{'active' if agent.is_active else 'disabled'}."
        )
