"""What is measured: HQ's own worker, and the peers beside it, each on a core of its own.

A server is started fresh for every round, with nothing but its environment and a port.
"""

import hashlib
import os
import secrets
import shutil
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from benchmarks.machine import CACHE, BenchmarkError, Cores, Process, free_port, node, program

PEER_SOURCES = Path(__file__).with_name("peers")


@dataclass(frozen=True, slots=True)
class Kind:
    """A server that can be measured. `dialect` is the load client's, `guess` a first rate."""

    name: str
    dialect: str
    script: str
    guess: float
    variables: Mapping[str, str]


HQ = Kind("hq", "hq", "", 4000, {})
PEERS = {
    one.name: one
    for one in (
        Kind("socketio", "socketio", "socketio.js", 400, {}),
        Kind("ws", "ws", "ws.js", 400, {}),
        Kind("ws-joined", "ws", "ws.js", 4000, {"PEER_JOINED": "1"}),
    )
}
KINDS = {"hq": HQ, **PEERS}


class Redis:
    """A Redis of this run's own, beside the client. Buffers for slow subscribers are unbounded, so
    that a server that cannot keep up shows as late and not as cut off."""

    def __init__(self, cores: Cores, folder: Path) -> None:
        self.port = free_port()
        command = [program("redis-server", "events go through it"), "--port", str(self.port)]
        command += ["--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
        command += ["--client-output-buffer-limit", "pubsub 0 0 0", "--dir", str(folder)]
        self._process = Process(command, core=cores.rest, log=folder / "redis.log")
        self._process.wait_for_port(self.port)

    def stop(self) -> None:
        """Ends it."""
        self._process.stop()


class Server:
    """A running server. `variables`: HQ's whole configuration, or what the peers need."""

    def __init__(
        self,
        kind: Kind,
        variables: Mapping[str, str],
        *,
        core: int,
        folder: Path,
        workers: int = 1,
    ) -> None:
        self.port = free_port()
        environment = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
        environment |= {**variables, **kind.variables}
        self._process = Process(
            _hq_command(self.port, workers) if kind is HQ else _peer_command(kind, self.port),
            core=core,
            log=folder / f"{kind.name}.log",
            environment=environment,
        )
        try:
            self._process.wait_for_port(self.port)
            if kind is HQ:
                self._wait_until_ready()
        except BaseException:
            self.stop()
            raise

    def cpu_seconds(self) -> float:
        """Processor time spent so far."""
        return self._process.cpu_seconds()

    def said(self) -> str:
        """The end of its log."""
        return self._process.said()

    def stop(self) -> None:
        """Ends it."""
        self._process.stop()

    def _wait_until_ready(self) -> None:
        end = time.monotonic() + 30
        while time.monotonic() < end:
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{self.port}/readyz", timeout=5).close()
            except (urllib.error.URLError, OSError):
                time.sleep(0.1)
            else:
                return
        raise BenchmarkError(f"HQ is not ready: {self.said()}")


def hq_variables(folder: Path, redis_port: int, sockets: int) -> dict[str, str]:
    """HQ's whole configuration: production mode, limits raised for many sockets of one host."""
    key = ec.generate_private_key(ec.SECP256R1()).private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    return {
        "DJANGO_SETTINGS_MODULE": "hq_project.settings",
        "HQ_VAR_DIR": str(folder),
        "DATABASE_URL": f"sqlite:///{folder}/hq.sqlite3",
        "REDIS_URL": f"redis://127.0.0.1:{redis_port}/0",
        "HQ_PUBLIC_ORIGIN": "https://hq.example.org",
        "HQ_SECRET_KEY": secrets.token_urlsafe(48),
        "HQ_JWT_PRIVATE_KEY": key.decode(),
        "HQ_SOCKETS_PER_AGENT": "100",
        "HQ_PENDING_PER_ADDRESS": str(sockets + 100),
        "HQ_PENDING_PER_WORKER": str(sockets + 100),
    }


def take_on(variables: Mapping[str, str]) -> None:
    """Makes this process HQ with that configuration, whatever the shell had set."""
    for name in [*os.environ]:
        if name.startswith("HQ_") or name in ("DATABASE_URL", "REDIS_URL", "PORT", "WORKERS"):
            del os.environ[name]
    os.environ.update(variables)


def _hq_command(port: int, workers: int) -> list[str]:
    return [
        *(sys.executable, "manage.py", "serve"),
        *("--host", "127.0.0.1", "--port", str(port), "--workers", str(workers)),
    ]


def _peer_command(kind: Kind, port: int) -> list[str]:
    return [node()[0], str(installed_peers() / kind.script), str(port)]


def installed_peers() -> Path:
    """The folder with the peers and their pinned packages, installed when the lock changed."""
    lock = (PEER_SOURCES / "package-lock.json").read_bytes()
    folder = CACHE / f"peers-{hashlib.sha256(lock).hexdigest()[:16]}"
    if not (folder / "node_modules" / ".package-lock.json").exists():
        folder.mkdir(parents=True, exist_ok=True)
        for name in ("package.json", "package-lock.json", ".npmrc"):
            shutil.copy(PEER_SOURCES / name, folder)
        runs, npm = node()
        installed = subprocess.run(
            [*npm, "ci", "--ignore-scripts"],
            cwd=folder,
            env={**os.environ, "PATH": f"{Path(runs).parent}:{os.environ['PATH']}"},
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )
        if installed.returncode:
            raise BenchmarkError(f"the peers' packages cannot be installed: {installed.stderr}")
    for script in PEER_SOURCES.glob("*.js"):
        shutil.copy(script, folder)
    return folder
