"""Hostile handshakes and frames at a running HQ for minutes: no 5xx, no 1011, no traceback, memory
flat."""

import asyncio
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import httpx

from benchmarks.machine import BenchmarkError
from tests.attacks.siege import besiege, failures, memory
from tests.cast import HANDLER, PASSWORD
from tests.databases import SqliteDatabases
from tests.hq_server import HQServer
from tests.processes import NotReady

ATTACKERS = 12
GROWTH = 30_000_000
"""Bytes that all processes may grow by from the second fifth of the time to the last."""

SETTINGS = dict.fromkeys(
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
) | {
    "HQ_DEBUG": "0",
    "HQ_PUBLIC_ORIGIN": "https://hq.example.test",
    "HQ_ACCESS_MINUTES": "1440",
    "HQ_FRAMES_PER_SECOND": "10000",
    "HQ_FRAME_BURST": "10000",
    # A login's hashing takes 100 MB for a moment, which would hide what stays.
    "DJANGO_SETTINGS_MODULE": "tests.attacks.quick_hashing",
}
"""As in production, without the limits that would end an attack early."""


@dataclass(frozen=True, slots=True)
class Plan:
    """For how long, and which of all attacks: the same seed makes the same ones."""

    minutes: float
    seed: int


def run(plan: Plan) -> bool:
    """Attacks a server of its own; prints what came back; whether nothing was harmed."""
    with tempfile.TemporaryDirectory(prefix="hq-fuzz-") as name:
        folder = Path(name)
        server = HQServer(folder / "hq", SqliteDatabases(folder), settings=SETTINGS)
        try:
            server.start()
            return asyncio.run(_attack(server, plan))
        except NotReady as error:
            raise BenchmarkError(str(error)) from None
        finally:
            server.stop()


async def _attack(server: HQServer, plan: Plan) -> bool:
    token = await _token(server)
    seconds = plan.minutes * 60
    begun = time.monotonic()
    samples: list[tuple[float, int]] = []

    async def watch() -> None:
        while (past := time.monotonic() - begun) < seconds:
            samples.append((past / seconds, memory(server.pid)))
            await asyncio.sleep(seconds / 100)

    try:
        counts, _ = await asyncio.gather(
            besiege(
                server.port,
                token,
                plan.seed,
                ATTACKERS,
                lambda done: time.monotonic() - begun < seconds,
            ),
            watch(),
        )
    except AssertionError as harmed:
        print(f"HARM: {harmed}")
        return False
    first, last = (min(held for at, held in samples if low <= at < low + 0.2) for low in (0.2, 0.8))
    failed = failures(server.log)
    for what, count in sorted(counts.items()):
        print(f"{what:24} {count:8}")
    print(f"{sum(counts.values())} attacks in {plan.minutes:g} minutes, seed {plan.seed}")
    print(f"memory {first / 1e6:.0f} MB in the second fifth, {last / 1e6:.0f} MB in the last")
    print(f"failures in the log: {len(failed)}", *failed[:10], sep="\n")
    return not failed and last - first < GROWTH and await _token(server) != ""


async def _token(server: HQServer) -> str:
    """A login: HQ still lets good people in."""
    who = {"username": HANDLER.username, "password": PASSWORD, "transport": "body"}
    async with httpx.AsyncClient(base_url=server.url, timeout=20, trust_env=False) as client:
        answer = await client.post("/api/auth/login", json=who)
    return str(answer.json()["access"])
