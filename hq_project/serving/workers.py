"""The parent of the workers: one listening socket, N processes, and what happens when one ends.

The parent has loaded the application and forks, so that workers start in a moment, share its
memory and agree on what was drawn at random at start (a development secret). It serves nothing
itself. A worker that ends is started again, later each time; one that keeps ending at its start
stops everything, with a sentence. SIGTERM or SIGINT drains all workers; asked once more, a moment
later, it kills them. Should the parent be killed, its workers notice by a pipe and drain. Called by
`manage.py serve`.
"""

import contextlib
import gc
import logging
import os
import select
import signal
import socket
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple, NoReturn
from uuid import UUID, uuid4

logger = logging.getLogger(__name__)

BACKLOG = 4096
EARLY_SECONDS = 10.0
"""A worker that ends sooner after its start than this counts towards a crash loop."""

CRASHES = 5
STOP_SECONDS = 10.0
"""For the workers to drain; then they are killed. Longer than `server.DRAIN_SECONDS`."""

INSIST_SECONDS = 1.0
"""A second signal sooner than this is the same wish, told to a process and to its group."""

STOPPING = (signal.SIGTERM, signal.SIGINT)


class Life(NamedTuple):
    """One process of a worker: its name, and that of the process before it in the same place."""

    id: UUID
    follows: UUID | None


Work = Callable[[int, int, Life], None]
"""What a worker does, given the listening descriptor and its lifeline, until it is stopped."""


class CannotListen(Exception):
    """The address cannot be had; the message says what to do."""


class CrashLoop(Exception):
    """A worker ends whenever it starts; the message says so."""


def listen(host: str, port: int) -> socket.socket:
    """The one listening socket. `CannotListen` when the address is not to be had."""
    try:
        return socket.create_server(
            (host, port),
            family=socket.AF_INET6 if ":" in host else socket.AF_INET,
            backlog=BACKLOG,
            dualstack_ipv6=host == "::",
        )
    except PermissionError:
        problem = f"Port {port} needs rights that this user lacks. Choose one from 1024 up"
    except socket.gaierror:
        problem = f"{host} is not an address. Choose one of this computer"
    except OSError as error:
        if error.errno is not None and "in use" in os.strerror(error.errno):
            problem = f"Port {port} on {host} is in use. Stop what uses it or choose another"
        else:
            problem = f"HQ cannot listen on {host} port {port} ({error.strerror}). Choose another"
    raise CannotListen(f"{problem}: --host, --port.") from None


@dataclass
class Worker:
    """One place for a worker, which successive processes fill."""

    number: int
    life: Life | None = None
    pid: int | None = None
    started: float = 0.0
    crashes: int = 0
    start_at: float = 0.0


@dataclass
class Workers:
    """Runs `count` processes of `work` on `listening` until told to stop.

    `announce` is called once they are on their way, and a signal would drain them.
    """

    listening: socket.socket
    work: Work
    count: int
    announce: Callable[[], None]
    workers: list[Worker] = field(init=False)
    stopping: bool = False

    def __post_init__(self) -> None:
        self.workers = [Worker(number + 1) for number in range(self.count)]
        self._woken, self._wake = os.pipe()
        self._lifeline, self._held = os.pipe()

    def run(self) -> None:
        """Returns when all workers have drained. `CrashLoop` when they cannot be kept running."""
        os.set_blocking(self._wake, False)
        os.set_blocking(self._woken, False)
        # What is loaded by now is shared with the workers: collections would copy its pages.
        gc.collect()
        gc.freeze()
        # First: a signal that came between the handlers and this would wake nobody.
        signal.set_wakeup_fd(self._wake, warn_on_full_buffer=False)
        before = {one: signal.signal(one, _noticed) for one in (*STOPPING, signal.SIGCHLD)}
        try:
            self._start_due()
            self.announce()
            while not self.stopping:
                self._start_due()
                self._wait(self._next_start())
                self._reap()
        finally:
            self._end_all()
            signal.set_wakeup_fd(-1)
            for one, handler in before.items():
                signal.signal(one, handler)

    def _wait(self, seconds: float | None) -> bool:
        """Sleeps until a signal comes or time is up; whether one of them asked to stop."""
        select.select([self._woken], [], [], seconds)
        asked = False
        with contextlib.suppress(BlockingIOError):
            asked = any(number in STOPPING for number in os.read(self._woken, 512))
        self.stopping = self.stopping or asked
        return asked

    def _next_start(self) -> float | None:
        waiting = [one.start_at for one in self.workers if one.pid is None]
        return max(0.0, min(waiting) - time.monotonic()) if waiting else None

    def _start_due(self) -> None:
        for worker in self.workers:
            if worker.pid is None and worker.start_at <= time.monotonic():
                worker.started = time.monotonic()
                worker.life = Life(uuid4(), worker.life and worker.life.id)
                worker.pid = self._fork(worker.life)

    def _fork(self, life: Life) -> int:
        # A signal between the fork and the child's own handlers would be lost in the parent's.
        signal.pthread_sigmask(signal.SIG_BLOCK, STOPPING)
        try:
            sys.stdout.flush()
            sys.stderr.flush()
            pid = os.fork()
            if pid == 0:
                self._become_worker(life)
            return pid
        finally:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, STOPPING)

    def _become_worker(self, life: Life) -> NoReturn:
        status = 1
        try:
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            signal.signal(signal.SIGINT, signal.default_int_handler)
            signal.pthread_sigmask(signal.SIG_UNBLOCK, STOPPING)
            for descriptor in (self._held, self._wake, self._woken):
                os.close(descriptor)
            self.work(self.listening.detach(), self._lifeline, life)
            status = 0
        except KeyboardInterrupt:
            status = 0
        except SystemExit as stopped:
            status = stopped.code if isinstance(stopped.code, int) else 1
        except BaseException:
            logger.exception("a worker failed")
        finally:
            # Not the parent's exit handlers, nor a wait for threads that a stuck database holds.
            with contextlib.suppress(Exception):
                logging.shutdown()
                sys.stdout.flush()
                sys.stderr.flush()
            os._exit(status)

    def _reap(self) -> None:
        for worker in self.workers:
            if worker.pid is None:
                continue
            pid, status = os.waitpid(worker.pid, os.WNOHANG)
            if pid:
                ended, worker.pid = worker.pid, None
                if not self.stopping:
                    self._plan_restart(worker, ended, status)

    def _plan_restart(self, worker: Worker, pid: int, status: int) -> None:
        early = time.monotonic() - worker.started < EARLY_SECONDS
        worker.crashes = worker.crashes + 1 if early else 0
        how = _how(status)
        if worker.crashes >= CRASHES:
            raise CrashLoop(
                f"Worker {worker.number} ended {CRASHES} times just after its start, the last time "
                f"{how}. HQ stops: what it logged above says why."
            )
        pause = 0.1 * 2**worker.crashes
        worker.start_at = time.monotonic() + pause
        logger.error(
            "worker %d (pid %d) ended %s, starting it again in %.1f s",
            worker.number, pid, how, pause,
        )  # fmt: skip

    def _end_all(self) -> None:
        """Asks all workers to drain, and kills what is left after a while or a second signal."""
        self.stopping = True
        self.listening.close()
        self._signal_all(signal.SIGTERM)
        asked, deadline = time.monotonic(), time.monotonic() + STOP_SECONDS
        while self._any_left():
            insisted = self._wait(max(0.0, deadline - time.monotonic()))
            now = time.monotonic()
            if now > deadline or (insisted and now - asked > INSIST_SECONDS):
                logger.warning("workers did not end in time and are killed")
                self._signal_all(signal.SIGKILL)
                deadline = now + STOP_SECONDS
        for descriptor in (self._held, self._lifeline, self._wake, self._woken):
            os.close(descriptor)

    def _any_left(self) -> bool:
        self._reap()
        return any(worker.pid is not None for worker in self.workers)

    def _signal_all(self, number: signal.Signals) -> None:
        for worker in self.workers:
            if worker.pid is not None:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(worker.pid, number)


def _noticed(number: int, frame: object) -> None:
    """Makes a signal wake the parent instead of ending it."""


def _how(status: int) -> str:
    code = os.waitstatus_to_exitcode(status)
    return f"with status {code}" if code >= 0 else f"by signal {signal.Signals(-code).name}"
