"""T9 to T11: tickets that are spent, and families of refresh tokens."""

import asyncio
from uuid import UUID

import pytest

from tests.attacks.attacker import Attacker, rows
from tests.attacks.doors import DOORS, TICKET_DOORS, Good
from tests.attacks.ends import session_of
from tests.attacks.enlist import VICTIMS
from tests.attacks.forging import Forge
from tests.attacks.test_ends import assert_refused
from tests.attacks.trail import Trail
from tests.cast import HANDLER
from tests.hq_server import HQServer
from tests.rest_client import RestClient
from tests.socket_client import SocketClient

SERVERS = {"fort": "trail", "gate": "gate_trail", "hq_on_postgres": None}
"""SQLite with Redis, SQLite without, PostgreSQL with Redis; two workers but without Redis."""


@pytest.mark.parametrize("which", SERVERS)
async def test_of_simultaneous_handshakes_one_has_the_ticket(
    which: str, address: str, request: pytest.FixtureRequest
) -> None:
    """T9: eight at the same instant, over all workers; later ones are refused as well."""
    server: HQServer = request.getfixturevalue(which)
    async with await RestClient(server).login(HANDLER) as client, Attacker(server, address) as one:
        for _ in range(3):
            query = f"missions=none&ticket={await client.ticket()}"
            outcomes = await asyncio.gather(*(one.attempt(query=query) for _ in range(8)))
            outcomes.append(await one.attempt(query=query))
            assert [outcome.admitted for outcome in outcomes].count(True) == 1
            assert {outcome.code for outcome in outcomes} == {"", "token_invalid"}
        assert (await one.attempt(query=f"ticket={await client.ticket()}")).admitted
    if named := SERVERS[which]:
        trail: Trail = request.getfixturevalue(named)
        trail.owes("authn_token_refused", "token_invalid", address, attempts=24)


async def test_a_spent_ticket_opens_nothing(attacker: Attacker, good: Good, trail: Trail) -> None:
    """T9: spent by a handshake or in place, it is refused by a handshake and in place."""
    async with RestClient(attacker.server) as client:
        client.access = good.access
        for first in TICKET_DOORS.values():
            for again in TICKET_DOORS.values():
                ticket = await client.ticket()
                assert (await first.knock(attacker, good, ticket)).admitted
                outcome = await again.knock(attacker, good, ticket)
                assert (outcome.admitted, outcome.code) == (False, "token_invalid")
    trail.owes("authn_token_refused", "token_invalid", attacker.address, attempts=4)


async def test_a_ticket_dies_with_its_time_and_its_session(
    fort: HQServer, attacker: Attacker, trail: Trail
) -> None:
    """T9: after 30 s, here moved into the past, and after the session ended."""
    async with await RestClient(fort).login(HANDLER) as client:
        late, orphaned = await client.ticket(), await client.ticket()
        session = UUID(Forge(client.access).claims["sid"]).hex
        rows(
            fort,
            "UPDATE agents_ticket SET expires_at = datetime('now', '-1 second')"
            " WHERE session_id = ? AND rowid = (SELECT min(rowid) FROM agents_ticket"
            " WHERE session_id = ?)",
            session,
            session,
        )
        outcome = await attacker.attempt(query=f"ticket={late}")
        assert (outcome.status, outcome.code) == (401, "token_invalid")
        await client.call("POST", "/api/auth/logout")
        outcome = await attacker.attempt(query=f"ticket={orphaned}")
        assert (outcome.status, outcome.code) == (401, "token_invalid")
        await client.login(HANDLER)
        assert (await attacker.attempt(query=f"ticket={await client.ticket()}")).admitted
    trail.owes("authn_token_refused", "token_invalid", attacker.address)


REFRESHES = ["refresh body", "refresh cookie"]


@pytest.mark.parametrize("door", REFRESHES)
@pytest.mark.parametrize("late", [False, True], ids=["successor used", "after 20 s"])
async def test_a_replayed_refresh_ends_the_session(
    late: bool, door: str, fort: HQServer, attacker: Attacker, trail: Trail
) -> None:
    """T10: refused, the thief's and the victim's tokens with it; sockets closed; audited."""
    refresh = DOORS[door].knock
    async with await RestClient(fort).login(VICTIMS["c"]) as client:
        victim, stolen = Good(client.access, client.refresh_token), client.refresh_token
        session = session_of(client)
        assert (await refresh(attacker, victim, victim.refresh)).admitted
        if late:
            rows(
                fort,
                "UPDATE agents_session SET rotated_at = datetime(rotated_at, '-21 seconds')"
                " WHERE id = ?",
                UUID(session).hex,
            )
        else:
            assert (await refresh(attacker, victim, victim.refresh)).admitted
        client.access = victim.access
        async with await SocketClient.open(fort, client.access) as socket:
            await socket.expect("welcome")
            replay = await refresh(attacker, victim, stolen)
            assert (replay.admitted, replay.status, replay.code) == (False, 401, "token_invalid")
            assert (await socket.closed())[0] == 4003
        await assert_refused(client)
        for carrier in REFRESHES:
            again = await DOORS[carrier].knock(attacker, victim, victim.refresh)
            assert (again.status, again.code) == (401, "token_invalid")
        row = await trail.expect("authn_token_reuse", session=session)
        assert row.address == attacker.address
        await trail.expect("session_ended", session=session, reason="token_reuse")
        await client.login(VICTIMS["c"])
        await client.refresh()


@pytest.mark.parametrize("door", REFRESHES)
async def test_two_tabs_refresh_at_once(
    door: str, fort: HQServer, attacker: Attacker, trail: Trail
) -> None:
    """T11: both get the one current generation, and go on with it; nobody is logged out."""
    refresh = DOORS[door].knock
    async with (
        await RestClient(fort).login(VICTIMS["d"]) as client,
        Attacker(fort, attacker.address) as neighbour,
    ):
        session = session_of(client)
        tabs = [(one, Good(client.access, client.refresh_token)) for one in (attacker, neighbour)]

        async def both() -> set[int]:
            done = [refresh(one, held, held.refresh) for one, held in tabs]
            assert all(outcome.admitted for outcome in await asyncio.gather(*done))
            return {Forge(held.refresh).claims["gen"] for _, held in tabs}

        assert await both() == {2}
        row = await trail.expect("token_grace", session=session)
        assert row.address == attacker.address
        for one, held in tabs:
            assert (await DOORS["REST header"].knock(one, held, held.access)).admitted
        assert await both() == {3}
        assert not trail.rows(event="authn_token_reuse", session=session)


@pytest.mark.parametrize("door", REFRESHES)
async def test_a_login_that_rested_too_long_is_over(
    door: str, fort: HQServer, attacker: Attacker, trail: Trail
) -> None:
    """T10's family: after `HQ_REFRESH_HOURS` of rest, here moved, the password is asked."""
    async with await RestClient(fort).login(VICTIMS["w"]) as client:
        rows(
            fort,
            "UPDATE agents_session SET refresh_expires_at = datetime('now', '-1 second')"
            " WHERE id = ?",
            UUID(session_of(client)).hex,
        )
        rested = Good(client.access, client.refresh_token)
        outcome = await DOORS[door].knock(attacker, rested, rested.refresh)
        assert (outcome.status, outcome.code) == (401, "token_invalid")
        await client.login(VICTIMS["w"])
        await client.refresh()
    trail.owes("authn_token_refused", "token_invalid", attacker.address, attempts=1)
