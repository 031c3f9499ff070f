"""`manage.py develop`: HQ on one machine with its demo, from nothing. `make run` calls it.

Owns the order of a development start: migrate where needed, seed, play, serve. Everything it does
is a command of its own; production calls those one by one.
"""

import contextlib
import subprocess
import sys
from argparse import ArgumentParser
from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import connection, connections
from django.db.migrations.executor import MigrationExecutor

from hq_project.management.commands.serve import WITHOUT_REDIS
from hq_project.serving import workers

HOST = "127.0.0.1"


class Command(BaseCommand):
    """Prepares what is missing, then serves until Ctrl+C."""

    help = (
        "Runs HQ for development: migrates the database where needed, seeds the demo, serves on "
        f"{HOST} and plays the demo. Ctrl+C ends everything. Refused unless HQ_DEBUG is on."
    )
    requires_system_checks: list[str] = []  # `serve` checks

    def add_arguments(self, parser: ArgumentParser) -> None:
        """`--port`, `--workers` and `--no-demo`."""
        parser.add_argument("--port", type=int, default=settings.HQ_PORT)
        parser.add_argument("--workers", type=int, default=1, help="More than 1 needs REDIS_URL.")
        parser.add_argument("--no-demo", action="store_true", help="Seed the demo, do not play it.")

    def handle(self, *args: Any, port: int, no_demo: bool, **options: Any) -> None:
        """Runs until the server ends; a `CommandError` says why it cannot start."""
        if not settings.HQ_DEVELOPMENT:
            raise CommandError("This is for development: set HQ_DEBUG=1, or use `serve`.")
        _refuse_in_vain(port, options["workers"])
        settings.HQ_VAR_DIR.mkdir(mode=0o700, parents=True, exist_ok=True)
        if _migrations_wait():
            self.stdout.write("Preparing the database.")
            self.stdout.flush()
            call_command("migrate", verbosity=0)
        call_command("seed_demo")
        connections.close_all()
        self.stdout.write(f"\nHQ: http://localhost:{port}   (Ctrl+C ends it)\n")
        self.stdout.flush()
        with contextlib.nullcontext() if no_demo else _player(port):
            call_command("serve", host=HOST, port=port, workers=options["workers"])


def _refuse_in_vain(port: int, count: int) -> None:
    """Says at once what `serve` would say after all that is prepared and printed for it."""
    if count > 1 and not settings.REDIS_URL:
        raise CommandError(WITHOUT_REDIS.format(count=count))
    try:
        workers.listen(HOST, port).close()
    except workers.CannotListen as problem:
        raise CommandError(str(problem)) from None


def _migrations_wait() -> bool:
    """Whether there is something to migrate; much cheaper than a migration of nothing."""
    executor = MigrationExecutor(connection)
    return bool(executor.migration_plan(executor.loader.graph.leaf_nodes()))


@contextlib.contextmanager
def _player(port: int) -> Iterator[None]:
    """The live demo in a process of its own: a client like any other.

    In a group of its own too, so that Ctrl+C, which a terminal sends to all that it runs, does not
    meet it while it starts.
    """
    command = [sys.executable, sys.argv[0], "play_demo", "--url", f"http://{HOST}:{port}"]
    player = subprocess.Popen(  # noqa: S603  (our own command)
        command, stdout=subprocess.DEVNULL, process_group=0
    )
    try:
        yield
    finally:
        player.terminate()
        player.wait()
