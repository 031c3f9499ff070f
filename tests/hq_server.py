"""A real HQ: `manage.py serve` with its own port, folder, database and log.

Knows which of its workers a client talks to, so that a test can say "on both workers" and mean it.
"""

import contextlib
import os
import secrets
import socket
import ssl
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import httpx
import psutil
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from tests.databases import Databases
from tests.patience import PATIENCE
from tests.processes import ROOT, Process, free_port, paused, seconds_until

SIGNING_KEY = ec.generate_private_key(ec.SECP256R1())
"""The key of every server of this run: tests can sign what a thief of the key could sign."""

SIGNING_KEY_PEM = SIGNING_KEY.private_bytes(
    serialization.Encoding.PEM,
    serialization.PrivateFormat.PKCS8,
    serialization.NoEncryption(),
).decode()

SECRET_KEY = secrets.token_urlsafe(48)

PARTNER_ORIGIN = "https://partner.example.net"
"""The origin that may connect beside HQ's own."""


class HQServer(Process):
    """One `serve` with its workers. `url` and `socket_url` are where clients find it."""

    def __init__(
        self,
        folder: Path,
        databases: Databases,
        *,
        workers: int = 1,
        redis_url: str | None = None,
        settings: Mapping[str, str] | None = None,
        command: Sequence[str] | None = None,
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.socket_url = f"ws://127.0.0.1:{self.port}/missions"
        self.origin = self.url
        self.trust: ssl.SSLContext | None = None  # what clients believe of TLS in front of it
        env = clean_environment() | {
            "HQ_DEBUG": "1",
            "HQ_SECRET_KEY": SECRET_KEY,
            "HQ_JWT_PRIVATE_KEY": SIGNING_KEY_PEM,
            "HQ_VAR_DIR": str(folder),
            "HQ_ALLOWED_ORIGINS": PARTNER_ORIGIN,
            "PORT": str(self.port),
            "DATABASE_URL": databases.fresh(folder),
            "DJANGO_SETTINGS_MODULE": "hq_project.settings",
            "PYTHONUNBUFFERED": "1",
        }
        if redis_url:
            env["REDIS_URL"] = redis_url
        address = ["--host", "127.0.0.1", "--port", str(self.port)]
        serve = [sys.executable, "manage.py", "serve", *address, "--workers", str(workers)]
        super().__init__(
            f"hq on {self.port}",
            [word.replace("{port}", str(self.port)) for word in command or serve],
            log=folder / "hq.log",
            env=env | dict(settings or {}),
        )

    def start(self) -> None:
        """Starts it and waits for its first answer."""
        super().start()
        self.wait_until(self.answers, within=60)

    def answers(self) -> bool:
        """Whether `/healthz` says yes."""
        try:
            return httpx.get(f"{self.url}/healthz", timeout=2, trust_env=False).status_code == 200
        except httpx.TransportError:
            return False

    def manage(self, *arguments: str, said: str | None = None) -> str:
        """Runs a command of `manage.py` on this installation, as its operator does.

        `said`: what it reads from standard input.
        """
        command = [sys.executable, "manage.py", *arguments]
        done = subprocess.run(
            command, cwd=ROOT, env=self.env, input=said, capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise RuntimeError(f"{arguments[0]} failed.\n{done.stdout}{done.stderr}")
        return done.stdout

    def processor_time(self) -> float:
        """Seconds its processes took so far: no other load on the machine counts."""
        times = [process.cpu_times() for process in self._processes()]
        return float(sum(one.user + one.system for one in times))

    def worker_of(self, client_port: int) -> int:
        """The id of the process that holds the connection from that local port of a client."""
        for process in self._processes():
            with contextlib.suppress(psutil.NoSuchProcess):  # it ended since it was listed
                if _holds(process, client_port):
                    return int(process.pid)
        raise LookupError(f"No worker of {self.name} holds a connection from {client_port}.")

    @property
    def workers(self) -> list[int]:
        """The ids of its workers that run now."""
        return [child.pid for child in psutil.Process(self.pid).children()]

    @contextlib.contextmanager
    def only(self, worker: int) -> Iterator[None]:
        """The other workers stand still meanwhile: who connects meets this one."""
        with paused(*(pid for pid in self.workers if pid != worker)):
            yield

    def connection_to(self, worker: int) -> socket.socket:
        """A TCP connection that this worker has accepted."""
        with self.only(worker):
            connection = socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE)
            port = connection.getsockname()[1]
            seconds_until(lambda: _holds(psutil.Process(worker), port), within=PATIENCE)
        connection.setblocking(False)
        return connection

    def _processes(self) -> list[psutil.Process]:
        serve = psutil.Process(self.pid)
        return [serve, *serve.children(recursive=True)]


def _holds(process: psutil.Process, client_port: int) -> bool:
    connections = process.net_connections("tcp")
    return any(one.raddr and one.raddr.port == client_port for one in connections)


def clean_environment() -> dict[str, str]:
    """This process's environment without anything that configures HQ."""
    own = ("PORT", "WORKERS", "REDIS_URL", "DATABASE_URL", "DJANGO_SETTINGS_MODULE")
    return {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("HQ_") and name not in own
    }
