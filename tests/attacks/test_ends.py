"""T12: whatever ends a session ends it everywhere, on every worker at once, at every door."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import pytest

from tests.attacks.attacker import Attacker
from tests.attacks.doors import DOORS, TICKET_DOORS, Good
from tests.attacks.ends import ENDS, session_of
from tests.attacks.enlist import VICTIMS
from tests.attacks.trail import Trail
from tests.hq_server import HQServer
from tests.rest_client import Refused, RestClient
from tests.socket_client import SocketClient


@pytest.mark.parametrize("end", ENDS)
async def test_an_ended_session_is_refused_on_every_worker(
    end: str, fort: HQServer, attacker: Attacker, good: Good, trail: Trail
) -> None:
    """T12: its tokens at every door, its tickets too; and its open sockets are closed with 4003."""
    way = ENDS[end]
    async with (
        await RestClient(fort).login(way.victim) as client,
        on_each_worker(fort, client) as (callers, sockets),
    ):
        tickets = [await client.ticket() for _ in TICKET_DOORS]
        await way.by(fort, client)
        for caller in callers:
            await assert_refused(caller)
        ended = {"access": client.access, "refresh": client.refresh_token}
        for door, carrier in DOORS.items():
            outcome = await carrier.knock(attacker, good, ended[carrier.opened_by])
            assert (outcome.admitted, outcome.code) == (False, "token_invalid"), door
        for (door, carrier), ticket in zip(TICKET_DOORS.items(), tickets, strict=True):
            outcome = await carrier.knock(attacker, good, ticket)
            assert (outcome.admitted, outcome.code) == (False, "token_invalid"), door
        for socket in sockets:
            assert (await socket.closed())[0] == 4003
    if way.reason is not None:
        await trail.expect("session_ended", session=session_of(client), reason=way.reason)
    trail.owes("authn_token_refused", "token_invalid", attacker.address)


async def test_the_sessions_of_others_stay(fort: HQServer, director: RestClient) -> None:
    """T12's other half: a good token of somebody else still works."""
    async with (
        await SocketClient.open(fort, director.access, query="missions=none") as socket,
        await RestClient(fort).login(VICTIMS["l"]) as client,
    ):
        await client.call("POST", "/api/auth/logout")
        await assert_refused(client)
        assert (await socket.ask("ping"))["type"] == "pong"
        assert await director.call("GET", "/api/auth/me")


@asynccontextmanager
async def on_each_worker(
    server: HQServer, client: RestClient
) -> AsyncIterator[tuple[list[RestClient], list[SocketClient]]]:
    """Connections of that session to both workers: kept-alive HTTP, and open sockets."""
    callers, sockets = [], []
    async with AsyncExitStack() as opened:
        for worker in server.workers:
            caller = await opened.enter_async_context(RestClient(server))
            await caller.meet(worker)
            caller.access = client.access
            await caller.call("GET", "/api/auth/me")
            assert caller.worker == worker
            callers.append(caller)
            socket = await SocketClient.open(
                server, client.access, query="missions=none", worker=worker
            )
            await opened.enter_async_context(socket)
            await socket.expect("welcome")
            sockets.append(socket)
        yield callers, sockets


async def assert_refused(client: RestClient) -> None:
    """Its access token opens nothing."""
    with pytest.raises(Refused) as refused:
        await client.call("GET", "/api/auth/me")
    assert (refused.value.status, refused.value.code) == (401, "token_invalid")
