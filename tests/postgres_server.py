"""A real PostgreSQL on a port and in a folder of its own.

Also a command, to run others on it: `python -m tests.postgres_server COMMAND ...` starts one, sets
`DATABASE_URL`, runs the command and ends with its exit status.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import psycopg

from tests.processes import NotReady, Process, free_port


class PostgresServer(Process):
    """Trusts whoever comes from this machine. PostgreSQL refuses root: then it is `postgres`.

    `log`: where it says what it has to say; else a file in its folder, which goes with it.
    `superuser`: the role that it is made with.
    """

    def __init__(self, log: Path | None = None, *, superuser: str = "hq") -> None:
        self.superuser = superuser
        user = "postgres" if os.geteuid() == 0 else None
        self.port = free_port()
        self.folder = Path(tempfile.mkdtemp(prefix="hq-postgres-"))
        if user:
            shutil.chown(self.folder, user, user)
        command = [
            str(programs() / "postgres"),
            *("-D", str(self.folder / "data")),
            *("-k", str(self.folder)),
            *("-p", str(self.port)),
            *("-c", "listen_addresses=127.0.0.1"),
            *("-c", "fsync=off"),
            *("-c", "max_connections=200"),
        ]
        super().__init__("postgres", command, log=log or self.folder / "postgres.log", user=user)

    def url(self, database: str, role: str | None = None) -> str:
        """The `DATABASE_URL` of that database; as its superuser or that role."""
        return f"postgres://{role or self.superuser}@127.0.0.1:{self.port}/{database}"

    def start(self) -> None:
        """Makes the cluster where there is none, starts it and waits for its first answer."""
        if not (self.folder / "data").exists():
            made = subprocess.run(
                [
                    str(programs() / "initdb"),
                    *("-D", str(self.folder / "data")),
                    *("-U", self.superuser, "--auth=trust", "--encoding=UTF8", "--no-sync"),
                ],
                capture_output=True,
                text=True,
                cwd="/",
                check=False,
                user=self.user,
                group=self.user,
                extra_groups=None if self.user is None else [],
            )
            if made.returncode:
                raise NotReady(f"initdb failed.\n{made.stdout}{made.stderr}")
        super().start()
        self.wait_until(self.answers, within=30)

    def answers(self) -> bool:
        """Whether it lets somebody in."""
        try:
            psycopg.connect(self.url("postgres"), connect_timeout=2).close()
        except psycopg.OperationalError:
            return False
        return True

    def databases(self) -> list[str]:
        """The names of all databases that were made here."""
        with psycopg.connect(self.url("postgres")) as connection:
            found = connection.execute("SELECT datname FROM pg_database WHERE NOT datistemplate")
            return [str(name) for (name,) in found]

    def create(self, database: str, *, template: str = "template1") -> str:
        """A new database, a copy of the template. Returns its `DATABASE_URL`."""
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            name, source = (psycopg.sql.Identifier(word) for word in (database, template))
            connection.execute(
                psycopg.sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(name, source)
            )
        return self.url(database)

    def remove(self) -> None:
        """Ends it and removes its folder. An immediate shutdown: the data is thrown away."""
        self.stop()
        shutil.rmtree(self.folder)


def programs() -> Path:
    """The folder of `postgres` and `initdb`, which no PATH has on Debian."""
    asked = shutil.which("pg_config")
    if asked:
        said = subprocess.run([asked, "--bindir"], capture_output=True, text=True, check=True)
        if (Path(said.stdout.strip()) / "initdb").exists():
            return Path(said.stdout.strip())
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=_version)
    on_path = shutil.which("initdb")
    if on_path and not found:
        return Path(on_path).resolve().parent
    if not found:
        raise NotReady("PostgreSQL is missing: install the system package postgresql.")
    return found[-1].parent


def _version(initdb: Path) -> int:
    return int(initdb.parts[-3])


def main() -> int:
    """Runs the command of the command line on a PostgreSQL of its own."""
    server = PostgresServer()
    try:
        server.start()
        env = os.environ | {"DATABASE_URL": server.create("hq")}
        return subprocess.run(sys.argv[1:], env=env, check=False).returncode
    finally:
        server.remove()


if __name__ == "__main__":
    sys.exit(main())
