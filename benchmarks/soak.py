"""Many sockets that come and go, and a fault each minute: does HQ stay whole, and flat?

Two workers, a real Redis and SQLite, the cast as followers, the oracle of `tests/faults`. Writes
memory and descriptors of the workers over time, as figures and as a plot.
"""

import asyncio
import contextlib
import json
import os
import random
import signal
import tempfile
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

import psutil
import redis

from benchmarks.plot import Line, plot
from tests.cast import CAST
from tests.databases import SqliteDatabases
from tests.faults.crowd import Crowd
from tests.faults.followers import Follower
from tests.faults.site import Site, sqlite_site
from tests.processes import frozen

SAMPLE_EVERY = 5.0
WHOLE_WITHIN = 30.0
SETTLE_MINUTES = 2.0
"""Before what is held then counts as the beginning: caches fill first."""

GROWTH_MOST = 0.25
"""How much more the last quarter may hold than the first, on average."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What to run. `svg` and `json_file`: where the plot and the figures go."""

    minutes: float
    sockets: int
    churn: float
    svg: Path | None
    json_file: Path | None


@dataclass(frozen=True, slots=True)
class Sample:
    """What the workers held at one moment."""

    seconds: float
    megabytes: float
    descriptors: int


def run(plan: Plan) -> bool:
    """Whether nothing was lost, doubled, out of order or shown to the wrong, and memory flat."""
    with tempfile.TemporaryDirectory(prefix="hq-soak-") as folder:
        path = Path(folder)
        with sqlite_site(path / "site", SqliteDatabases(path)) as site:
            return asyncio.run(Soak(plan, site).run())


class Soak:
    """One run."""

    def __init__(self, plan: Plan, site: Site) -> None:
        self.plan = plan
        self.site = site
        self.crowd = Crowd(site)
        self.samples: list[Sample] = []
        self.recoveries: list[tuple[str, float]] = []
        self.churned = 0
        self.began = 0.0

    async def run(self) -> bool:
        """Opens the sockets, lets things happen, and judges."""
        await self.crowd.gather(sockets=1, every=None)
        while len(self.crowd.followers) < self.plan.sockets:
            for member in CAST:
                self.crowd.follow(member)
            await self.crowd.settled()
        print(f"{len(self.crowd.followers):,} sockets are open.", flush=True)
        for author in self.crowd.authors:
            author.start(1.0)
        self.began = time.monotonic()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self.plan.minutes * 60):
                await asyncio.gather(self._churn(), self._sample(), self._break())
        try:
            return await self._judge()
        finally:
            await self.crowd.leave()

    async def _churn(self) -> None:
        """Cuts connections at random; their clients resume."""
        while True:
            await asyncio.sleep(random.expovariate(self.plan.churn))
            follower: Follower = random.choice(self.crowd.followers)
            if follower.socket is not None:
                follower.socket.connection.transport.abort()
                self.churned += 1

    async def _sample(self) -> None:
        while True:
            try:
                held = await asyncio.to_thread(self._held)
            except psutil.Error:  # a worker ended just now
                held = None
            if held is not None:
                self.samples.append(held)
            await asyncio.sleep(SAMPLE_EVERY)

    def _held(self) -> Sample:
        seconds = time.monotonic() - self.began
        return Sample(seconds, self.site.memory() / 1e6, self.site.descriptors())

    async def _break(self) -> None:
        """A fault in the middle of each minute, each kind in turn."""
        faults: list[tuple[str, Callable[[], Awaitable[None]]]] = [
            ("Redis forgets", self._flush),
            ("Redis stands still for 5 s", self._freeze),
            ("a worker is killed", self._kill),
            ("Redis restarts empty", self._restart),
            ("a worker restarts", self._terminate),
        ]
        for number in range(10_000):
            await asyncio.sleep(max(0.0, 30 + 60 * number - (time.monotonic() - self.began)))
            name, fault = faults[number % len(faults)]
            await fault()
            whole = await self.crowd.whole(time.monotonic())
            self.recoveries.append((name, whole))
            print(
                f"{time.monotonic() - self.began:6.0f} s  {name}: whole in {whole:.2f} s",
                flush=True,
            )

    async def _flush(self) -> None:
        with redis.Redis(port=self.site.redis.port) as client:
            client.flushall()
            client.client_kill_filter(_type="pubsub")

    async def _freeze(self) -> None:
        with frozen(self.site.redis):
            await asyncio.sleep(5)

    async def _restart(self) -> None:
        await asyncio.to_thread(self.site.redis.stop, signal.SIGKILL)
        await asyncio.to_thread(self.site.redis.start)

    async def _kill(self) -> None:
        os.kill(random.choice(self.site.workers()), signal.SIGKILL)

    async def _terminate(self) -> None:
        os.kill(random.choice(self.site.workers()), signal.SIGTERM)

    async def _judge(self) -> bool:
        # The end may cut into a fault, of which clients come back later each time they fail.
        await self.crowd.settled(within=2 * WHOLE_WITHIN)
        verdict = await self.crowd.verdict(f"soak of {self.plan.minutes:g} minutes")
        verdict.whole = max((whole for _, whole in self.recoveries), default=0.0)
        first, last = quarters([one.megabytes for one in settled(self.samples)])
        growth = last / first - 1
        verdict.notes |= {
            "sockets": len(self.crowd.followers),
            "churned": self.churned,
            "faults": len(self.recoveries),
            "megabytes": [round(first, 1), round(last, 1)],
        }
        verdict.tell()
        self._write(vars(verdict))
        return not verdict.wrong and verdict.whole < WHOLE_WITHIN and growth < GROWTH_MOST

    def _write(self, figures: dict[str, object]) -> None:
        samples = [(one.seconds, one.megabytes, one.descriptors) for one in self.samples]
        if self.plan.json_file:
            written = {**figures, "recoveries": self.recoveries, "samples": samples}
            self.plan.json_file.parent.mkdir(parents=True, exist_ok=True)
            self.plan.json_file.write_text(json.dumps(written, indent=1), encoding="utf-8")
        if self.plan.svg:
            memory = Line("memory of both workers, MB", [(at / 60, mb) for at, mb, _ in samples])
            open_files = Line("open descriptors", [(at / 60, count) for at, _, count in samples])
            self.plan.svg.write_text(plot([memory, open_files], "minutes"), encoding="utf-8")


def settled(samples: list[Sample]) -> list[Sample]:
    """Those after the caches are filled; all of a short run."""
    late = [one for one in samples if one.seconds > SETTLE_MINUTES * 60]
    return late if len(late) >= 8 else samples


def quarters(values: list[float]) -> tuple[float, float]:
    """The means of the first and of the last quarter; of everything where there is little."""
    size = max(1, len(values) // 4)
    return sum(values[:size]) / size, sum(values[-size:]) / size
