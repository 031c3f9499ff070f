"""Processes that tests start: each with a log of its own, awaited by a condition, ended by its id.

Owns nothing of what runs in them. `redis_server`, `postgres_server` and `hq_server` build on it;
the log of every process that a failed test used is shown with the failure (`conftest`).
"""

import contextlib
import itertools
import os
import random
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import ClassVar

import psutil

ROOT = Path(__file__).resolve().parent.parent


class NotReady(Exception):
    """A process ended or stayed silent instead of becoming ready."""


class Process:
    """A child in a process group of its own. `log` holds all that it said."""

    known: ClassVar[list["Process"]] = []
    """Those that run now."""

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        *,
        log: Path,
        env: Mapping[str, str] | None = None,
        user: str | None = None,
    ) -> None:
        self.name = name
        self.command = list(command)
        self.log = log
        self.env = dict(env) if env is not None else None
        self.user = user
        self._child: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """The id of the running child."""
        if self._child is None:
            raise NotReady(f"{self.name} does not run.")
        return self._child.pid

    @property
    def running(self) -> bool:
        """Whether the child was started and has not ended."""
        return self._child is not None and self._child.poll() is None

    def start(self) -> None:
        """Starts the child; its output is appended to the log."""
        with self.log.open("ab") as output:
            self._child = subprocess.Popen(
                self.command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=ROOT if self.user is None else "/",
                env=self.env,
                start_new_session=True,
                user=self.user,
                group=self.user,
                extra_groups=None if self.user is None else [],
            )
        Process.known.append(self)

    def wait_until(self, ready: Callable[[], bool], *, within: float) -> None:
        """Returns when `ready()` holds; `NotReady` when the child ends first or time runs out."""
        deadline = time.monotonic() + within
        while not ready():
            if not self.running:
                raise NotReady(f"{self.name} ended before it was ready.\n{self.tail()}")
            if time.monotonic() > deadline:
                raise NotReady(f"{self.name} was not ready within {within} s.\n{self.tail()}")
            time.sleep(0.02)

    def stop(self, how: signal.Signals = signal.SIGTERM, *, within: float = 60) -> int:
        """Ends the child, then whatever of its group is left. Returns its exit status."""
        if self._child is None:
            return 0
        child, self._child = self._child, None
        Process.known.remove(self)
        if child.poll() is None:
            child.send_signal(how)
        try:
            status = child.wait(within)
        except subprocess.TimeoutExpired:
            self._end_group(child.pid)
            raise NotReady(f"{self.name} did not end within {within} s.\n{self.tail()}") from None
        self._end_group(child.pid)
        return status

    def wait(self, *, within: float) -> int:
        """The exit status of a child that ends by itself."""
        if self._child is None:
            raise NotReady(f"{self.name} does not run.")
        return self._child.wait(within)

    def tail(self, lines: int = 60) -> str:
        """The end of the log."""
        text = self.log.read_text(encoding="utf-8", errors="replace") if self.log.exists() else ""
        return "\n".join(text.splitlines()[-lines:])

    @staticmethod
    def _end_group(group: int) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(group, signal.SIGKILL)


FIRST_PORT, PORTS = 16_000, 2_000
"""Below those that the kernel gives to clients; and so many for each process of the tests."""

_begin = FIRST_PORT + int(os.environ.get("PYTEST_XDIST_WORKER", "gw0")[2:]) % 8 * PORTS
_ports = itertools.cycle(range(_begin, _begin + PORTS))
for _ in range(random.randrange(PORTS)):  # other runs on this machine begin elsewhere
    next(_ports)


def free_port() -> int:
    """A TCP port of 127.0.0.1 that nobody listens on, and nobody else is about to."""
    for port in itertools.islice(_ports, PORTS):
        with contextlib.suppress(OSError), socket.socket() as probe:
            probe.bind(("127.0.0.1", port))
            return port
    raise NotReady("Every port of these tests is taken.")


def seconds_until(condition: Callable[[], bool], *, within: float) -> float:
    """How long it took until it held; fails when it did not."""
    began = time.monotonic()
    while not condition():
        if time.monotonic() - began > within:
            raise AssertionError(f"It did not happen within {within} s.")
        time.sleep(0.05)
    return time.monotonic() - began


@contextlib.contextmanager
def frozen(process: Process) -> Iterator[None]:
    """Stops a process and all that it started, as a machine does that swaps or is suspended."""
    with paused(process.pid):  # first: it starts no more
        children = psutil.Process(process.pid).children(recursive=True)
        with paused(*(child.pid for child in children)):
            yield


@contextlib.contextmanager
def paused(*pids: int) -> Iterator[None]:
    """Stops these processes alone; they stand still when it is entered."""
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGSTOP)
    try:
        for pid in pids:
            seconds_until(partial(_stands_still, pid), within=10)
        yield
    finally:
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)


def _stands_still(pid: int) -> bool:
    """Whether every thread of a process is stopped, or none is left."""
    try:
        threads = [stat.read_text() for stat in Path(f"/proc/{pid}/task").glob("*/stat")]
    except OSError:  # one ended just now
        return False
    return all(stat.rpartition(")")[2].split()[0] in "TZX" for stat in threads)
