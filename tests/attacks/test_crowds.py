"""H9: more sockets than one may have."""

import asyncio
import json
from collections import Counter

import pytest
import websockets

from tests.attacks.attacker import Attacker, Outcome, settled
from tests.attacks.enlist import VICTIMS
from tests.attacks.trail import Trail
from tests.cast import ANALYST, HANDLER
from tests.conftest import WIDE, Serve
from tests.hq_server import HQServer
from tests.patience import PATIENCE
from tests.redis_server import RedisServer
from tests.rest_client import RestClient
from tests.socket_client import SocketClient


async def test_an_address_has_so_many_that_wait(
    gate: HQServer, besieger: Attacker, gate_trail: Trail
) -> None:
    """H9: 20 of 50 that have not authenticated; neighbours and who is in are not hurt."""
    async with await RestClient(gate).login(ANALYST) as client:
        inside = await SocketClient.open(gate, client.access, query="missions=none")
        async with inside:
            # At once: none of them has waited for five seconds and is closed before the last comes.
            came = await asyncio.gather(*(besieger.open(origin=gate.origin) for _ in range(50)))
            ends = asyncio.as_completed([socket.ended() for socket in came])
            assert [await next(ends) for _ in range(30)] == [4009] * 30
            waiting = [socket for socket in came if socket.connection.close_code is None]
            assert len(waiting) == 20
            program = await besieger.attempt(subprotocols=["hq.v1"])
            assert program == Outcome(False, 429, "rate_limited")
            await waiting[0].send({"type": "authenticate", "token": client.access})
            assert (await inside.ask("ping"))["type"] == "pong"
            async with Attacker(gate, "127.4.0.1") as neighbour:
                assert (await neighbour.attempt(token=client.access)).admitted
            assert (await settled(waiting[0])).admitted
            for socket in waiting:
                await socket.close()
    gate_trail.owes("excess_rate_limit_exceeded", "sockets", besieger.address, attempts=31)


async def test_an_agent_has_ten_sockets(
    gate: HQServer, besieger: Attacker, gate_trail: Trail
) -> None:
    """H9: the eleventh is refused, by an HTTP answer or 4009; the ten are not hurt."""
    async with await RestClient(gate).login(VICTIMS["m"]) as client:
        held = [await besieger.open(client.access) for _ in range(10)]
        for socket in held:
            await socket.expect("welcome")
        eleventh = await besieger.attempt(token=client.access)
        assert eleventh == Outcome(False, 429, "rate_limited")
        async with await besieger.open(client.access, origin=gate.origin) as browser:
            assert (await browser.closed())[0] == 4009
        for socket in held:
            assert (await socket.ask("ping"))["type"] == "pong"
            await socket.close()
    gate_trail.owes("excess_rate_limit_exceeded", "sockets", besieger.address, attempts=2)


@pytest.mark.parametrize("kept_in", ["databases", "postgres_databases"])
async def test_ten_sockets_are_ten_over_all_workers(
    kept_in: str, serve: Serve, redis_server: RedisServer, request: pytest.FixtureRequest
) -> None:
    """H9: of forty handshakes at the same instant ten open, whichever workers they meet."""
    limits = WIDE | {"HQ_SOCKETS_PER_AGENT": "10"}
    hq = serve(
        request.getfixturevalue(kept_in), workers=2, redis_url=redis_server.url, settings=limits
    )
    async with await RestClient(hq).login(HANDLER) as client:
        headers = {"Authorization": f"Bearer {client.access}"}
        held = []

        async def come() -> str:
            try:
                socket = await websockets.connect(
                    hq.socket_url, additional_headers=headers, open_timeout=PATIENCE
                )
                held.append(socket)
                return str(json.loads(await socket.recv())["type"])
            except websockets.InvalidStatus as refused:
                return str(refused.response.status_code)
            except websockets.ConnectionClosed as closed:
                return str(closed.rcvd and closed.rcvd.code)

        came = Counter(await asyncio.gather(*(come() for _ in range(40))))
        for socket in held:
            await socket.close()
    assert came.pop("welcome") == 10
    assert set(came) <= {"429", "4009"}
