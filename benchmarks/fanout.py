"""How many frames a second one worker on one core sends, HQ beside Socket.IO, nothing lost."""

import os
import secrets
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import django
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from benchmarks import machine, report, servers
from benchmarks.machine import Cores, Process, free_port, program

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
        redis = Redis(cores, folder)
        try:
            figures = _measure(plan, cores, folder, redis.port)
        finally:
            redis.stop()
    print(figures.table())
    if plan.json_file is not None:
        plan.json_file.write_text(figures.as_json())
    return figures.kept


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


def _measure(plan: Plan, cores: Cores, folder: Path, redis_port: int) -> "report.Figures":
    variables = _variables(folder, redis_port, plan.sockets)
    for name in [*os.environ]:
        if name.startswith("HQ_") or name in ("DATABASE_URL", "REDIS_URL", "PORT", "WORKERS"):
            del os.environ[name]
    os.environ.update(variables)
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


def _variables(folder: Path, redis_port: int, sockets: int) -> dict[str, str]:
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
