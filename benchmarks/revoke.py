"""How long after a commit access is gone at the sockets, over two workers and Redis."""

import asyncio
import json
import os
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import UUID

import django

from benchmarks import machine, servers
from benchmarks.machine import BenchmarkError, Cores

if TYPE_CHECKING:
    from benchmarks.viewers import Viewer

WORKERS = 2
CLOSE_P99_MS = 250.0
"""From the commit that ends a session to the close of its sockets, for 99 of 100."""
SCOPE_P99_MS = 1_000.0
"""From the commit that lowers a role to the last frame of the new rights' snapshots."""
AT_ONCE = 20
"""Handshakes at the same time."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What to measure. `per_second`: commits, one agent each."""

    sockets: int
    per_second: float
    json_file: Path | None


@dataclass(frozen=True, slots=True)
class Spread:
    """Times of many sockets, in milliseconds."""

    sockets: int
    p50_ms: float
    p99_ms: float
    max_ms: float

    @classmethod
    def of(cls, seconds: Sequence[float]) -> "Spread":
        """Of one time a socket; at least one."""
        ordered = sorted(1000 * one for one in seconds)
        last = len(ordered) - 1
        return cls(
            len(ordered),
            round(ordered[round(0.5 * last)], 2),
            round(ordered[round(0.99 * last)], 2),
            round(ordered[last], 2),
        )

    def __str__(self) -> str:
        return f"p50 {self.p50_ms:7.1f}   p99 {self.p99_ms:7.1f}   most {self.max_ms:7.1f} ms"


@dataclass(frozen=True, slots=True)
class Figures:
    """What was measured. `workers`: how many of the sockets each of them had."""

    told: Spread
    scoped: Spread
    closed: Spread
    workers: list[int]
    per_second: float
    notes: dict[str, str | int | float]

    @property
    def kept(self) -> bool:
        """Whether access was gone in time, on more than one worker."""
        return (
            self.closed.p99_ms <= CLOSE_P99_MS
            and self.scoped.p99_ms <= SCOPE_P99_MS
            and len(self.workers) == WORKERS
        )

    def table(self) -> str:
        """What a person reads."""
        split = " + ".join(map(str, self.workers))
        where = f"{self.closed.sockets} sockets on {len(self.workers)} workers ({split})"
        return "\n".join(
            [
                "",
                f"{where}, {self.per_second:g} commits/s, from the commit to the client:",
                f"role lowered: told        {self.told}",
                f"role lowered: new scope   {self.scoped}   (promised: p99 {SCOPE_P99_MS:g})",
                f"session ended: closed     {self.closed}   (promised: p99 {CLOSE_P99_MS:g})",
                "",
                *(f"{name}: {value}" for name, value in self.notes.items()),
                "HQ kept its promises." if self.kept else "HQ DID NOT keep its promises.",
            ]
        )

    def as_json(self) -> str:
        """Everything, for programs."""
        return json.dumps({"benchmark": "revoke", "kept": self.kept, **asdict(self)}, indent=2)


def run(plan: Plan) -> bool:
    """Measures, prints and writes the figures; whether HQ kept what it promises."""
    cores = Cores()
    os.sched_setaffinity(0, {cores.rest})
    machine.allow_descriptors(2 * plan.sockets + 512)
    with tempfile.TemporaryDirectory(prefix="hq-bench-") as name:
        folder = Path(name)
        redis = servers.Redis(cores, folder)
        try:
            variables = servers.hq_variables(folder, redis.port, plan.sockets)
            servers.take_on(variables)
            django.setup()
            figures = _measure(plan, cores, folder, variables)
        finally:
            redis.stop()
    print(figures.table())
    if plan.json_file is not None:
        plan.json_file.write_text(figures.as_json() + "\n")
    return figures.kept


def _measure(plan: Plan, cores: Cores, folder: Path, variables: dict[str, str]) -> Figures:
    from benchmarks import handlers

    notes = machine.notes()
    people = handlers.assemble(plan.sockets)
    server = servers.Server(
        servers.HQ, variables, core=cores.server, folder=folder, workers=WORKERS
    )
    try:
        return asyncio.run(_revoked(plan, server.port, people, notes))
    except BenchmarkError:
        print(server.said())
        raise
    finally:
        server.stop()


async def _revoked(
    plan: Plan, port: int, people: dict[UUID, str], notes: dict[str, str | int | float]
) -> Figures:
    from agents import live, threads
    from benchmarks import handlers

    # As in a worker: what is committed here is announced by this loop's channel.
    live.current()
    viewers = await _opened(port, people)
    try:
        workers = await threads.in_command_thread(handlers.sockets_by_worker)
        told, scoped = await _spread(plan, viewers, handlers.lower, _scoped)
        (closed,) = await _spread(plan, viewers, handlers.end, _closed)
    finally:
        for viewer in viewers:
            viewer.gone()
        await live.aclose()
    return Figures(told, scoped, closed, workers, plan.per_second, notes)


async def _opened(port: int, people: dict[UUID, str]) -> "list[Viewer]":
    from benchmarks.viewers import Viewer

    room = asyncio.Semaphore(AT_ONCE)

    async def one(agent_id: UUID, token: str) -> Viewer:
        async with room:
            return await Viewer.open(agent_id, port, token)

    started = time.monotonic()
    viewers = await asyncio.gather(*(one(*person) for person in people.items()))
    print(f"{len(viewers)} sockets in {time.monotonic() - started:.1f} s", flush=True)
    return viewers


async def _spread(
    plan: Plan,
    viewers: "list[Viewer]",
    change: Callable[[UUID], float],
    seen: "Callable[[Viewer], Awaitable[tuple[float, ...]]]",
) -> list[Spread]:
    """Makes a change for one agent after the other, evenly; spreads of what each socket saw."""
    from agents import threads

    begin, waiting, committed = time.monotonic(), [], []
    for number, viewer in enumerate(viewers):
        await asyncio.sleep(max(0.0, begin + number / plan.per_second - time.monotonic()))
        waiting.append(asyncio.ensure_future(seen(viewer)))
        committed.append(await threads.in_command_thread(change, viewer.agent_id))
    arrived = await asyncio.gather(*waiting)
    rows = [
        [moment - commit for moment in moments]
        for commit, moments in zip(committed, arrived, strict=True)
    ]
    return [Spread.of(column) for column in zip(*rows, strict=True)]


async def _scoped(viewer: "Viewer") -> tuple[float, ...]:
    _, told = await viewer.until(lambda kind: kind == "access_changed")
    _, whole = await viewer.until(lambda kind: kind == "subscribed")
    return told, whole


async def _closed(viewer: "Viewer") -> tuple[float, ...]:
    _, at = await viewer.until(lambda kind: kind == "close 4003")
    return (at,)
