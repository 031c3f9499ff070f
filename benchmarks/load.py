"""The load client of `load.c`: compiled once into a cache, started, and asked for reports."""

import hashlib
import json
import os
import select
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.machine import CACHE, BenchmarkError, pinned, program

SOURCE = Path(__file__).with_name("load.c")


class Socket(NamedTuple):
    """One socket to open. `newest`: the number that its stream has reached."""

    token: str
    mission: str
    stream: int
    newest: int


@dataclass(frozen=True, slots=True)
class Report:
    """What arrived with one step's mark; the counts of what was wrong are since the start."""

    count: int
    first_ns: int
    last_ns: int
    p50_ms: float
    p99_ms: float
    max_ms: float
    cpu_seconds: float
    ready: int
    dead: int
    holes: int
    leaks: int
    strange: int
    checked: int

    @property
    def wrong(self) -> int:
        """Everything that must be nought."""
        return self.dead + self.holes + self.leaks + self.strange


def compiled() -> Path:
    """The program, built when its source changed."""
    digest = hashlib.sha256(SOURCE.read_bytes()).hexdigest()[:16]
    target = CACHE / f"load-{digest}"
    if not target.exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        aside = target.with_suffix(f".{os.getpid()}")
        compiler = program("cc", "the load client is written in C")
        built = subprocess.run(
            [compiler, "-O2", "-o", str(aside), str(SOURCE)],
            capture_output=True,
            text=True,
            check=False,
        )
        if built.returncode:
            raise BenchmarkError(f"the load client does not compile: {built.stderr[:500]}")
        aside.replace(target)
    return target


class LoadClient:
    """Holds all sockets of a run. `dialect`: `hq`, `ws` or `socketio`."""

    def __init__(
        self, port: int, dialect: str, sockets: Sequence[Socket], *, core: int, folder: Path
    ) -> None:
        listing = folder / "sockets.txt"
        listing.write_text("".join(f"{' '.join(map(str, one))}\n" for one in sockets))
        self._process = subprocess.Popen(
            pinned([str(compiled()), str(port), dialect, str(listing)], core),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            bufsize=0,
        )
        self._buffer = b""
        self._wanted = len(sockets)

    def connect(self, within: float = 120.0) -> float:
        """Waits until every socket is subscribed; the seconds that it took."""
        answer = self._answer(within)
        if answer["ready"] != self._wanted:
            raise BenchmarkError(f"{answer['dead']} of {self._wanted} sockets were refused.")
        return float(answer["seconds"])

    def report(self, step: int) -> Report:
        """What arrived of a step so far."""
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(b"report %d\n" % step)
        except BrokenPipeError:
            raise BenchmarkError("the load client ended.") from None
        return Report(**self._answer(60.0))

    def stop(self) -> None:
        """Ends the process and with it every socket."""
        self._process.kill()
        self._process.wait(10)
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()

    def _answer(self, within: float) -> dict[str, Any]:
        assert self._process.stdout is not None
        end = time.monotonic() + within
        while b"\n" not in self._buffer:
            left = end - time.monotonic()
            if left <= 0 or not select.select([self._process.stdout], [], [], left)[0]:
                raise BenchmarkError(f"the load client did not answer within {within:.0f} s.")
            read = self._process.stdout.read(65_536)
            if not read:
                raise BenchmarkError("the load client ended.")
            self._buffer += read
        line, _, self._buffer = self._buffer.partition(b"\n")
        answer: dict[str, Any] = json.loads(line)
        return answer
