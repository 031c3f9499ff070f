"""T15: tokens without end."""

import asyncio
import random

from tests.attacks.attacker import Attacker, Outcome
from tests.attacks.doors import DOORS, Good
from tests.attacks.enlist import VICTIMS
from tests.attacks.forging import Forge, changed, part
from tests.attacks.siege import memory
from tests.attacks.trail import Trail
from tests.hq_server import HQServer
from tests.rest_client import RestClient

TOKENS = 2_000
CARRIERS = ["REST header", "refresh body", "query token", "header", "sub-protocol"]
WARMED_UP = 500


def random_tokens(forge: Forge, number: int) -> list[str]:
    """That many, each with another id and another signature, all else as in a good one."""
    chance = random.Random(15)
    return [
        f"{forge.head}.{part(changed(forge.claims, {'jti': chance.randbytes(16).hex()}))}"
        f".{part(chance.randbytes(64))}"
        for _ in range(number)
    ]


async def test_a_flood_of_random_tokens_costs_nothing(
    gate: HQServer, besieger: Attacker, gate_trail: Trail
) -> None:
    """T15: as fast as they go, over five carriers: refused or told to wait, and memory is flat."""
    async with await RestClient(gate).login(VICTIMS["b"]) as client:
        good = Good(client.access, client.refresh_token)
        tokens = random_tokens(Forge(good.access), TOKENS)
        assert len(set(tokens)) == TOKENS
        waiting = iter([(CARRIERS[at % len(CARRIERS)], token) for at, token in enumerate(tokens)])
        outcomes: list[Outcome] = []
        held: list[int] = []

        async def send() -> None:
            for door, token in waiting:
                outcomes.append(await DOORS[door].knock(besieger, good, token))
                if len(outcomes) == WARMED_UP:
                    held.append(memory(gate.pid))

        await asyncio.gather(*(send() for _ in range(4)))
        assert len(outcomes) == TOKENS
        assert {(one.status, one.code) for one in outcomes} <= {
            (401, "token_invalid"),
            (429, "rate_limited"),
        }
        assert memory(gate.pid) - held[0] < 20_000_000
        assert await client.call("GET", "/api/auth/me")
    refused = sum(one.status == 401 for one in outcomes)
    gate_trail.owes("authn_token_refused", "token_invalid", besieger.address, attempts=refused)
