"""`manage.py changepassword`: in place of Django's, which ends no session and leaves no trace."""

from typing import Any

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser

from agents.accounts import save_password
from agents.management.arguments import existing_agent, sentences
from agents.management.commands.create_agent import asked_password, password_from_stdin


class Command(BaseCommand):
    """Asks for the new password in a terminal, or reads it from standard input."""

    help = "Sets an agent's password and ends all its sessions, the ones of programs too."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("username")
        parser.add_argument(
            "--password-stdin", action="store_true", help="read the password from standard input"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        agent = existing_agent(options["username"])
        password = password_from_stdin() if options["password_stdin"] else asked_password()
        try:
            validate_password(password, agent)
        except ValidationError as problem:
            raise CommandError(sentences(problem)) from None
        agent.set_password(password)
        ended = save_password(agent)
        sessions = "session" if ended == 1 else "sessions"
        self.stdout.write(f"{agent.username} has a new password; {ended} {sessions} ended.")
