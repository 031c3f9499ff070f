"""How many frames a second one worker on one core sends, HQ beside Socket.IO, nothing lost."""

import os
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import django
from cryptography.hazmat.primitives import serialization

from benchmarks import machine, report, servers
from benchmarks.machine import Cores

if TYPE_CHECKING:
    from benchmarks.cast import Cast


@dataclass(frozen=True, slots=True)
class Plan:
    """What to measure. `servers`: names of `servers.KINDS`, HQ first."""

    sockets: int
    rate: int
    repeats: int
    seconds: float
    minutes: float
    servers: tuple[str, ...]
    search: bool
    json_file: Path | None


def run(plan: Plan) -> bool:
    """Measures, prints and writes the figures; whether HQ kept what it promises."""
    cores = Cores()
    os.sched_setaffinity(0, {cores.rest})
    machine.allow_descriptors(2 * plan.sockets + 512)
    with tempfile.TemporaryDirectory(prefix="hq-bench-") as name:
        folder = Path(name)
        redis = servers.Redis(cores, folder)
        try:
            figures = _measure(plan, cores, folder, redis.port)
        finally:
            redis.stop()
    print(figures.table())
    if plan.json_file is not None:
        plan.json_file.write_text(figures.as_json())
    return figures.kept


def _measure(plan: Plan, cores: Cores, folder: Path, redis_port: int) -> "report.Figures":
    variables = servers.hq_variables(folder, redis_port, plan.sockets)
    servers.take_on(variables)
    django.setup()
    from benchmarks.cast import GROUPS, assemble

    sockets = -(-plan.sockets // GROUPS) * GROUPS
    print(f"{sockets:,} agents, each with a socket, over {GROUPS} missions x viewer classes")
    people = assemble(sockets)
    figures = report.Figures(plan.rate, sockets, machine.notes())
    end = time.monotonic() + plan.minutes * 60
    starts = {name: servers.KINDS[name].guess for name in plan.servers}
    for repeat in range(1, plan.repeats + 1):
        for name in plan.servers:
            if time.monotonic() > end:
                print(f"the time is up: {plan.minutes:g} minutes")
                return figures
            print(f"round {repeat} of {plan.repeats}: {name}", flush=True)
            result = _round(plan, name, people, variables, redis_port, cores, folder, starts[name])
            figures.add(name, result)
            if result.highest is not None:
                starts[name] = result.highest.rate * 0.9
    return figures


def _round(
    plan: Plan,
    name: str,
    people: "Cast",
    variables: dict[str, str],
    redis_port: int,
    cores: Cores,
    folder: Path,
    start: float,
) -> "report.Result":
    from benchmarks.rounds import Round

    kind = servers.KINDS[name]
    turn = Round(
        kind,
        people,
        variables if kind is servers.HQ else _peer_variables(variables),
        redis_port=redis_port,
        cores=cores,
        folder=folder,
    )
    try:
        result = report.Result(len(people.seats) / turn.connect_seconds)
        print(f"    {result.connects_per_second:,.0f} connects/s", flush=True)
        result.steady = turn.steady(plan.rate, max(3.0, plan.seconds))
        print(f"    {result.steady}  announced", flush=True)
        if kind is servers.HQ:
            result.written = turn.written(plan.rate, max(3.0, plan.seconds))
            print(f"    {result.written}  written", flush=True)
        if plan.search:
            result.highest, result.limited = turn.highest(start, plan.seconds)
    finally:
        turn.close()
    result.checked = turn.checked
    return result


def _peer_variables(variables: dict[str, str]) -> dict[str, str]:
    """What the peers need: Redis, the key that HQ's tokens are checked with, an epoch."""
    from benchmarks.announcements import EPOCH

    key = serialization.load_pem_private_key(variables["HQ_JWT_PRIVATE_KEY"].encode(), None)
    public = key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return {
        "REDIS_URL": variables["REDIS_URL"],
        "PEER_PUBLIC_KEY": public.decode(),
        "PEER_EPOCH": EPOCH,
        "NODE_ENV": "production",
    }
