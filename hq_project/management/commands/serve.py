"""`manage.py serve`: HQ's daphne on one address, in as many workers as asked for."""

import os
import threading
from argparse import ArgumentParser
from functools import partial
from typing import Any

from django.conf import settings
from django.core import checks
from django.core.management.base import BaseCommand, CommandError
from django.db import connections
from django.utils.module_loading import import_string

from agents import connections as register
from agents import keys
from agents.selectors import demo_agents_problem
from hq_project.environment import Environment
from hq_project.serving import workers

MOST_WORKERS = 64
WITHOUT_REDIS = (
    "{count} workers need Redis to hear of each other's updates. Set REDIS_URL, or start one "
    "worker."
)


class Command(BaseCommand):
    """Checks the configuration, then serves until SIGTERM or Ctrl+C."""

    help = "Serve HQ: HTTP and WebSockets on one port."
    requires_system_checks: list[str] = []  # run below, and told as sentences

    def add_arguments(self, parser: ArgumentParser) -> None:
        """The options; their defaults come from the environment."""
        parser.add_argument("--host", default="127.0.0.1", help="address to listen on (127.0.0.1)")
        parser.add_argument("--port", type=int, help="port to listen on (PORT, else 8000)")
        parser.add_argument("--workers", type=int, help="number of processes (WORKERS, else 1)")
        parser.add_argument("--application", help="another ASGI application, as a dotted path")

    def handle(self, *args: Any, **options: Any) -> None:
        """Returns when all workers have ended. `CommandError` with a sentence for each problem."""
        count = _workers(options["workers"])
        problems = [
            problem.msg
            for problem in checks.run_checks()
            if problem.is_serious() and not problem.is_silenced()
        ]
        if count > 1 and not settings.REDIS_URL:
            problems.append(WITHOUT_REDIS.format(count=count))
        if not problems and (problem := demo_agents_problem()):
            problems.append(problem)
        if problems:
            raise CommandError("\n".join(str(problem) for problem in problems))
        if settings.HQ_DEVELOPMENT and not settings.HQ_JWT_PRIVATE_KEY:
            keys.make_development_key()
        application: str = options["application"] or settings.ASGI_APPLICATION
        _load(application)
        _leave_databases()
        port = settings.HQ_PORT if options["port"] is None else options["port"]
        try:
            listening = workers.listen(options["host"], port)
            host, port = listening.getsockname()[:2]
            shown = f"[{host}]" if ":" in host else host
            served = f"{count} worker" if count == 1 else f"{count} workers"
            announce = partial(self._say, f"HQ listens on http://{shown}:{port} with {served}.")
            workers.Workers(listening, partial(_work, application), count, announce).run()
        except (workers.CannotListen, workers.CrashLoop) as problem:
            raise CommandError(str(problem)) from None

    def _say(self, sentence: str) -> None:
        self.stdout.write(sentence)
        self.stdout.flush()


def _work(application: str, descriptor: int, lifeline: int, life: workers.Life) -> None:
    from hq_project.serving import worker  # in the child: it makes the event loop

    register.serve_as(*life)
    worker.run(descriptor, ":".join(application.rsplit(".", 1)), lifeline)


def _load(application: str) -> None:
    """Imports it before the workers do: they share it, and a wrong name shows once."""
    try:
        import_string(application)
    except ModuleNotFoundError as missing:
        if missing.name is None or not application.startswith(missing.name):
            raise
        raise CommandError(f"There is no application {application}.") from None


def _workers(asked: int | None) -> int:
    environment = Environment(os.environ)
    count = environment.integer("WORKERS", 1, least=1, most=MOST_WORKERS)
    if asked is None and environment.problems:
        raise CommandError(" ".join(environment.problems))
    if asked is not None and not 1 <= asked <= MOST_WORKERS:
        raise CommandError(f"--workers must be a whole number from 1 to {MOST_WORKERS}.")
    return count if asked is None else asked


def _leave_databases() -> None:
    """Closes what the checks opened: neither a connection nor a pool's thread survives a fork."""
    for connection in connections.all(initialized_only=True):
        connection.close()
        if hasattr(connection, "close_pool"):
            connection.close_pool()
    if threading.active_count() > 1:
        raise CommandError("Something started a thread before the workers: they cannot be forked.")
