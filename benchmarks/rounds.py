"""One server's turn: it is started, all sockets connect, updates flow, every frame is checked."""

import contextlib
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from benchmarks import announcements, cast, search, servers
from benchmarks.announcements import Batch, Format, Log
from benchmarks.cast import Cast
from benchmarks.load import LoadClient, Report
from benchmarks.machine import BenchmarkError, Cores
from benchmarks.publisher import Publisher
from benchmarks.report import P99_MS
from benchmarks.writer import Writer

DRAIN = 12.0
QUIET = 2.0
"""Seconds that late frames are waited for in all, and since the last one came."""

ATTEMPTS = 9
BUSY = 0.8
"""A server that was late while it used less of its core was kept from it by something else on the
machine: that trial is repeated, once."""

FORMATS: dict[str, Format] = {
    "hq": announcements.for_hq,
    "socketio": announcements.for_socketio,
    "ws": announcements.for_ws,
}


@dataclass(frozen=True, slots=True)
class Trial:
    """What happened at one rate. Rates a second, `server_cpu` and `client_cpu` in cores."""

    rate: float
    updates: int
    deliveries: int
    lost: int
    wrong: int
    p50_ms: float
    p99_ms: float
    max_ms: float
    deliveries_per_second: float
    server_cpu: float
    client_cpu: float
    publisher_late_ms: float

    @property
    def whole(self) -> bool:
        """Whether every frame arrived, once, in order, where it may, and every socket stands."""
        return self.lost == 0 and self.wrong == 0

    @property
    def good(self) -> bool:
        """Whole, and live."""
        return self.whole and self.p99_ms <= P99_MS

    def __str__(self) -> str:
        return (
            f"{self.rate:9,.0f} updates/s  {self.rate * self.deliveries / self.updates:11,.0f} "
            f"frames/s  p50 {self.p50_ms:6.1f}  p99 {self.p99_ms:7.1f} ms  lost {self.lost}  "
            f"wrong {self.wrong}  server {self.server_cpu:4.0%}  client {self.client_cpu:4.0%}"
            f"{'' if self.good else '  FAILED'}"
        )


class Round:
    """A server and its sockets, from the first handshake to the last frame."""

    def __init__(
        self,
        kind: servers.Kind,
        people: Cast,
        variables: dict[str, str],
        *,
        redis_port: int,
        cores: Cores,
        folder: Path,
    ) -> None:
        self._kind, self._people, self._variables = kind, people, variables
        self._cores, self._folder = cores, folder
        self._log = Log(people, FORMATS[kind.dialect])
        self._publisher = Publisher(redis_port)
        self._step = 0
        self.checked = 0
        if kind is servers.HQ:  # an earlier round's updates stay in the log
            self._log.positions, self._log.numbers = cast.heads(people)
        self._open()

    def steady(self, rate: float, seconds: float) -> Trial:
        """A run at one rate, after a short one to warm up."""
        self._announced(rate, 0.5)
        return self._announced(rate, seconds)

    def written(self, rate: float, seconds: float) -> Trial:
        """HQ only: the same through `missions.services`, from the transaction to the socket."""
        with Writer(self._people) as writer:
            writer.write(self._next_step(), int(rate / 4), rate)
            step = self._next_step()
            before, spent = self._client.report(step), self._server.cpu_seconds()
            started = time.monotonic()
            batch, late = writer.write(step, int(rate * seconds), rate)
            trial = self._finish(step, batch, rate, before, spent, started, late)
        self._log.positions, self._log.numbers = cast.heads(self._people)
        return trial

    def highest(self, start: float, seconds: float) -> tuple[Trial | None, bool]:
        """The highest rate that is good; False beside it where no limit was met."""

        def attempt(rate: float) -> tuple[bool, Trial]:
            trial = self._announced(rate, seconds)
            print(f"    {trial}", flush=True)
            if trial.whole and not trial.good and trial.server_cpu < BUSY:
                trial = self._announced(rate, seconds)
                print(f"    {trial}  (again)", flush=True)
            if not trial.whole:
                self._close()
                self._open()
            return trial.good, trial

        return search.highest_rate(attempt, start, attempts=ATTEMPTS)

    def close(self) -> None:
        """Ends what was started."""
        try:
            self._close()
        finally:
            self._publisher.close()

    def _open(self) -> None:
        self._server = servers.Server(
            self._kind, self._variables, core=self._cores.server, folder=self._folder
        )
        try:
            self._client = self._connected()
        except BaseException:
            self._server.stop()
            raise

    def _connected(self) -> LoadClient:
        client = LoadClient(
            self._server.port,
            self._kind.dialect,
            self._people.sockets(self._log.numbers),
            core=self._cores.rest,
            folder=self._folder,
        )
        try:
            self.connect_seconds = client.connect()
        except BaseException:
            client.stop()
            print(self._server.said())
            raise
        return client

    def _close(self) -> None:
        with contextlib.suppress(BenchmarkError):  # what ended the client has been said already
            self.checked += self._client.report(0).checked
        self._client.stop()
        self._server.stop()

    def _next_step(self) -> int:
        self._step += 1
        return self._step

    def _announced(self, rate: float, seconds: float) -> Trial:
        step = self._next_step()
        batch = self._log.next_batch(step, max(cast.MISSIONS, int(rate * seconds)))
        before, spent = self._client.report(step), self._server.cpu_seconds()
        started = time.monotonic()
        late = self._publisher.send(batch.announcements, rate)
        trial = self._finish(step, batch, rate, before, spent, started, late)
        self._save_heads()
        return trial

    def _save_heads(self) -> None:
        if self._kind is servers.HQ:
            cast.keep_heads(self._people, self._log.positions, self._log.numbers)

    def _finish(
        self,
        step: int,
        batch: Batch,
        rate: float,
        before: Report,
        spent: float,
        started: float,
        late: float,
    ) -> Trial:
        now = self._drained(step, batch.deliveries)
        took = time.monotonic() - started
        span = (now.last_ns - now.first_ns) / 1e9
        return Trial(
            rate=rate,
            updates=batch.updates,
            deliveries=batch.deliveries,
            lost=batch.deliveries - now.count,
            wrong=now.wrong - before.wrong,
            p50_ms=now.p50_ms,
            p99_ms=now.p99_ms,
            max_ms=now.max_ms,
            deliveries_per_second=now.count / span if span > 0 else 0.0,
            server_cpu=(self._server.cpu_seconds() - spent) / took,
            client_cpu=(now.cpu_seconds - before.cpu_seconds) / took,
            publisher_late_ms=late,
        )

    def _drained(self, step: int, deliveries: int) -> Report:
        """The report once everything came, or nothing more does."""
        end = time.monotonic() + DRAIN
        moved, seen = time.monotonic(), -1
        while True:
            now = self._client.report(step)
            if now.count != seen:
                moved, seen = time.monotonic(), now.count
            if now.count >= deliveries or time.monotonic() > min(end, moved + QUIET):
                return now
            time.sleep(0.02)


def as_json(trial: Trial | None) -> dict[str, Any] | None:
    """The trial for the report."""
    if trial is None:
        return None
    return {name: round(value, 3) for name, value in asdict(trial).items()}
