"""`manage.py create_agent`: an account, from a terminal."""

import getpass
import sys
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser

from agents.accounts import create_agent
from agents.management.arguments import clearance, role, sentences


class Command(BaseCommand):
    """Asks for the password in a terminal, or reads it from standard input. Never an argument:
    other users of the machine could read it in the list of processes.
    """

    help = "Creates an agent. Asks for the password, unless --password-stdin is given."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("username")
        parser.add_argument("--codename", required=True, help="unique; what others see")
        parser.add_argument(
            "--role", type=role, required=True, help="director, handler, analyst or field-operative"
        )
        parser.add_argument(
            "--clearance",
            type=clearance,
            required=True,
            help="restricted, confidential, secret or top-secret",
        )
        parser.add_argument("--staff", action="store_true", help="may enter the admin")
        parser.add_argument("--superuser", action="store_true", help="has every admin right")
        parser.add_argument(
            "--password-stdin", action="store_true", help="read the password from standard input"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            agent = create_agent(
                options["username"],
                codename=options["codename"],
                role=options["role"],
                clearance=options["clearance"],
                password=password_from_stdin() if options["password_stdin"] else asked_password(),
                is_staff=options["staff"] or options["superuser"],
                is_superuser=options["superuser"],
            )
        except ValidationError as problem:
            raise CommandError(sentences(problem)) from None
        self.stdout.write(
            f"Created {agent.username}: {agent.codename}, {agent.role}, "
            f"{agent.get_clearance_display()}."
        )


def password_from_stdin() -> str:
    """The first line of standard input."""
    password = sys.stdin.readline().rstrip("\r\n")
    if not password:
        raise CommandError("Standard input held no password.")
    return password


def asked_password() -> str:
    """A password typed twice; `CommandError` where nobody can be asked."""
    if not sys.stdin.isatty():
        raise CommandError("Nobody can be asked for a password here. Use --password-stdin.")
    password = getpass.getpass("Password: ")
    if password != getpass.getpass("Password (again): "):
        raise CommandError("The passwords differ.")
    return password
