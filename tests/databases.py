"""Migrated databases with the cast in them: made once a run, copied for every server.

Also a command: `python -m tests.databases` migrates the database of its environment and enlists the
cast. Servers get copies, because a live server commits and a shared database would tie tests
together.
"""

import os
import shutil
import subprocess
import sys
import uuid
from pathlib import Path
from typing import Protocol

from tests.postgres_server import PostgresServer
from tests.processes import ROOT


class Databases(Protocol):
    """Where servers get their databases from."""

    def fresh(self, var_dir: Path) -> str:
        """A migrated database with the cast; its `DATABASE_URL`."""


class SqliteDatabases:
    """Copies of one file."""

    def __init__(self, folder: Path) -> None:
        self._template = folder / "template.sqlite3"
        _prepare(folder, f"sqlite:///{self._template}")

    def fresh(self, var_dir: Path) -> str:
        """A copy of the template in that folder."""
        shutil.copy(self._template, var_dir / "hq.sqlite3")
        return f"sqlite:///{var_dir / 'hq.sqlite3'}"


class PostgresDatabases:
    """Copies of one database of a server."""

    def __init__(self, folder: Path, server: PostgresServer) -> None:
        self._server = server
        _prepare(folder, server.create("hq_template"))

    def fresh(self, var_dir: Path) -> str:
        """A copy of the template under a name that nobody has."""
        return self._server.create(f"hq_{uuid.uuid4().hex}", template="hq_template")


def _prepare(folder: Path, url: str) -> None:
    env = {name: value for name, value in os.environ.items() if not name.startswith("HQ_")}
    env.pop("REDIS_URL", None)
    env |= {"HQ_DEBUG": "1", "HQ_VAR_DIR": str(folder), "DATABASE_URL": url}
    env["DJANGO_SETTINGS_MODULE"] = "hq_project.settings"
    command = [sys.executable, "-m", "tests.databases"]
    made = subprocess.run(
        command, env=env, cwd=ROOT, capture_output=True, text=True, timeout=100, check=False
    )
    if made.returncode:
        raise RuntimeError(f"The database could not be made.\n{made.stdout}{made.stderr}")


def main() -> None:
    """Migrates and enlists."""
    import django
    from django.core.management import call_command
    from django.db import connections

    django.setup()
    call_command("migrate", verbosity=0)
    from tests.cast import enlist

    enlist()
    connections.close_all()


if __name__ == "__main__":
    main()
