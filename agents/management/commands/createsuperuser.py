"""`manage.py createsuperuser`: in place of Django's, which leaves no trace in the security log."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser


class Command(BaseCommand):
    """Refuses, and names the command that makes one: there is one way to make an account."""

    help = "Refuses: use create_agent with --superuser."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        # Django's own, so that whoever types them is told the same.
        for value in ("--username", "--codename", "--database"):
            parser.add_argument(value)
        parser.add_argument("--noinput", "--no-input", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        raise CommandError(
            "A superuser is made by `manage.py create_agent USERNAME --codename CODENAME --role "
            "ROLE --clearance CLEARANCE --superuser`, which writes it into the security log."
        )
