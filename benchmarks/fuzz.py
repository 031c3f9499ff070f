"""Hostile handshakes and frames at a running HQ for minutes: no 5xx, no 1011, no traceback, memory
flat."""

import asyncio
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import httpx

from benchmarks.machine import BenchmarkError
from tests.attacks.siege import Siege, failures, memory
from tests.cast import HANDLER, PASSWORD
from tests.databases import SqliteDatabases
from tests.hq_server import HQServer
from tests.processes import NotReady

ATTACKERS = 12
GROWTH = 30_000_000
"""Bytes that all processes may grow by after the first fifth of the time."""

LIMITS_AWAY = dict.fromkeys(
    (
        "HQ_SOCKETS_PER_AGENT",
        "HQ_PENDING_PER_ADDRESS",
        "HQ_ADDRESS_CALLS_PER_SECOND",
        "HQ_ADDRESS_CALL_BURST",
        "HQ_LOGIN_FAILURES_PER_PAIR",
        "HQ_LOGIN_FAILURES_PER_ADDRESS",
        "HQ_LOGIN_FAILURES_PER_ACCOUNT",
    ),
    "100000",
) | {"HQ_ACCESS_MINUTES": "1440", "HQ_FRAMES_PER_SECOND": "10000", "HQ_FRAME_BURST": "10000"}


@dataclass(frozen=True, slots=True)
class Plan:
    """For how long, and which of all attacks: the same seed makes the same ones."""

    minutes: float
    seed: int


def run(plan: Plan) -> bool:
    """Attacks a server of its own; prints what came back; whether nothing was harmed."""
    with tempfile.TemporaryDirectory(prefix="hq-fuzz-") as name:
        folder = Path(name)
        server = HQServer(folder / "hq", SqliteDatabases(folder), settings=LIMITS_AWAY)
        try:
            server.start()
            return asyncio.run(_attack(server, plan))
        except NotReady as error:
            raise BenchmarkError(str(error)) from None
        finally:
            server.stop()


async def _attack(server: HQServer, plan: Plan) -> bool:
    siege = Siege(server.port, await _token(server), plan.seed)
    begun = time.monotonic()
    ends = begun + plan.minutes * 60
    samples: list[tuple[float, int]] = []

    async def attack() -> None:
        while time.monotonic() < ends:
            for _ in range(4):
                await siege.handshake()
            await siege.socket()

    async def watch() -> None:
        while time.monotonic() < ends:
            await asyncio.sleep(min(5.0, plan.minutes * 6))
            samples.append((time.monotonic() - begun, memory(server.pid)))

    try:
        await asyncio.gather(watch(), *(attack() for _ in range(ATTACKERS)))
    except AssertionError as harmed:
        print(f"HARM: {harmed}")
        return False
    settled = [held for at, held in samples if at >= plan.minutes * 12] or [samples[-1][1]]
    growth = samples[-1][1] - settled[0]
    failed = failures(server.log)
    for what, count in sorted(siege.counts.items()):
        print(f"{what:24} {count:8}")
    print(f"attacks {sum(siege.counts.values())}, seed {plan.seed}, minutes {plan.minutes:g}")
    print(f"memory {samples[-1][1] / 1e6:.0f} MB, {growth / 1e6:+.1f} MB since the first fifth")
    print(f"failures in the log: {len(failed)}")
    print("\n".join(failed[:10]))
    return not failed and growth < GROWTH and await _token(server) != ""


async def _token(server: HQServer) -> str:
    """A login: HQ still lets good people in."""
    who = {"username": HANDLER.username, "password": PASSWORD, "transport": "body"}
    async with httpx.AsyncClient(base_url=server.url, timeout=20, trust_env=False) as client:
        answer = await client.post("/api/auth/login", json=who)
    return str(answer.json()["access"])
