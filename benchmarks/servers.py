"""What is measured: HQ's own worker, and the peers beside it, each on a core of its own.

A server is started fresh for every round, with nothing but its environment and a port.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from benchmarks.machine import CACHE, BenchmarkError, Process, free_port, node

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


class Server:
    """A running server. `variables`: HQ's whole configuration, or what the peers need."""

    def __init__(
        self, kind: Kind, variables: Mapping[str, str], *, core: int, folder: Path
    ) -> None:
        self.port = free_port()
        environment = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
        environment |= {**variables, **kind.variables}
        self._process = Process(
            _hq_command(self.port) if kind is HQ else _peer_command(kind, self.port),
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


def _hq_command(port: int) -> list[str]:
    return [
        *(sys.executable, "manage.py", "serve"),
        *("--host", "127.0.0.1", "--port", str(port), "--workers", "1"),
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
