"""`manage.py export_mission`: a mission's log as lines of JSON, as one agent sees it."""

import contextlib
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from agents.errors import NotFound
from agents.management.arguments import existing_agent
from missions import retention


class Command(BaseCommand):
    """Writes to a file or to standard output; whoever it is for may see all of it."""

    help = (
        "Write a mission as lines of JSON: the mission, then each update that the agent sees. "
        "What an export by an agent who sees everything has written may be pruned."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """The mission, for whom, and where to."""
        parser.add_argument("mission", help="the mission's id")
        parser.add_argument("--as", dest="viewer", required=True, help="username of the viewer")
        parser.add_argument("--output", type=Path, help="a new file (standard output)")

    def handle(self, *args: Any, **options: Any) -> None:
        """Exports; `CommandError` when it is not whole and where it should be."""
        agent = existing_agent(options["viewer"])
        path: Path | None = options["output"]
        try:
            export = retention.Export(agent, options["mission"])
        except NotFound:
            raise CommandError(f"{agent.username} sees no mission {options['mission']}.")
        try:
            retention.write_out(export.lines(), path)
        except FileExistsError:
            raise CommandError(f"{path} is there already. Choose another file.")
        except OSError as error:
            raise CommandError(f"The export was not written ({error.strerror}). Export again.")
        if not export.holds():
            if path is not None:
                with contextlib.suppress(FileNotFoundError):
                    path.unlink()
            raise CommandError(
                "The log or your rights changed while it was written, so the export is not whole. "
                "Export again."
            )
