"""T9 to T12: tickets, refresh families, and the end of a session, on every worker at once."""

import asyncio
import base64
import hmac
import struct
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import NamedTuple
from uuid import UUID

import pytest

from tests.attacks.attacker import Attacker, rows
from tests.attacks.enlist import VICTIMS
from tests.attacks.forging import Forge
from tests.attacks.trail import Trail
from tests.cast import HANDLER, PASSWORD, Member
from tests.hq_server import HQServer
from tests.rest_client import Refused, RestClient
from tests.socket_client import SocketClient

SERVERS = ["fort", "gate", "hq_on_postgres"]
"""SQLite with Redis, SQLite without, PostgreSQL with Redis; two workers but without Redis."""


@pytest.fixture
def server(request: pytest.FixtureRequest) -> HQServer:
    """The server that the parameter names."""
    found: HQServer = request.getfixturevalue(request.param)
    return found


@pytest.mark.parametrize("server", SERVERS, indirect=True)
async def test_of_simultaneous_handshakes_one_has_the_ticket(
    server: HQServer, address: str
) -> None:
    """T9: eight at the same instant, over all workers; later ones are refused as well."""
    async with await RestClient(server).login(HANDLER) as client, Attacker(server, address) as one:
        for _ in range(3):
            query = f"missions=none&ticket={await client.ticket()}"
            outcomes = await asyncio.gather(*(one.attempt(query=query) for _ in range(8)))
            outcomes.append(await one.attempt(query=query))
            assert [outcome.admitted for outcome in outcomes].count(True) == 1
            assert {outcome.code for outcome in outcomes} == {"", "token_invalid"}
        assert (await one.attempt(query=f"ticket={await client.ticket()}")).admitted


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


@pytest.mark.parametrize("late", [False, True], ids=["successor used", "after 20 s"])
async def test_a_replayed_refresh_ends_the_session(
    late: bool, fort: HQServer, attacker: Attacker, trail: Trail
) -> None:
    """T10: refused, the thief's and the victim's tokens with it; sockets closed; audited."""
    async with await RestClient(fort).login(VICTIMS["c"]) as client:
        stolen = client.refresh_token
        session = Forge(client.access).claims["sid"]
        await client.refresh()
        if late:
            rows(
                fort,
                "UPDATE agents_session SET rotated_at = datetime(rotated_at, '-21 seconds')"
                " WHERE id = ?",
                UUID(session).hex,
            )
        else:
            await client.refresh()
        async with await SocketClient.open(fort, client.access) as socket:
            await socket.expect("welcome")
            replay = await attacker.call("POST", "/api/auth/refresh", json={"refresh": stolen})
            assert (replay.status, replay.code) == (401, "token_invalid")
            assert (await socket.closed())[0] == 4003
        await assert_refused(client)
        again = {"refresh": client.refresh_token}
        assert (await attacker.call("POST", "/api/auth/refresh", json=again)).status == 401
        row = await trail.expect("authn_token_reuse", session=session)
        assert row.address == attacker.address
        await client.login(VICTIMS["c"])
        await client.refresh()


async def test_two_tabs_refresh_at_once(fort: HQServer, trail: Trail) -> None:
    """T11: both get the one current generation, and go on with it; nobody is logged out."""
    async with RestClient(fort) as one, RestClient(fort) as other:
        await one.login(VICTIMS["d"])
        other.refresh_token = one.refresh_token
        session = Forge(one.access).claims["sid"]
        await asyncio.gather(one.refresh(), other.refresh())
        generations = {Forge(tab.refresh_token).claims["gen"] for tab in (one, other)}
        assert generations == {2}
        row = await trail.expect("token_grace", session=session)
        assert row.event == "token_grace"
        for tab in (one, other):
            assert await tab.call("GET", "/api/auth/me")
        await one.refresh()
        await other.refresh()
        assert not trail.rows(event="authn_token_reuse", session=session)


# T12: whatever ends a session ends it everywhere.


class Ended(NamedTuple):
    """A way to end a session, of whom, and how it is called in the audit log."""

    by: Callable[[HQServer, RestClient], Awaitable[None]]
    victim: Member
    reason: str | None


async def by_logout(server: HQServer, client: RestClient) -> None:
    """The agent itself."""
    await client.call("POST", "/api/auth/logout")


async def by_password(server: HQServer, client: RestClient) -> None:
    """A change of the password in another session."""
    async with await RestClient(server).login(VICTIMS["e"]) as other:
        said = {"current_password": PASSWORD, "new_password": "another-horse-battery-staple"}
        await other.call("POST", "/api/auth/password", said)


async def by_second_factor(server: HQServer, client: RestClient) -> None:
    """A second factor, enrolled in another session."""
    async with await RestClient(server).login(VICTIMS["f"]) as other:
        enrolled = await other.call("POST", "/api/auth/otp/enrol", {"password": PASSWORD})
        await other.call("POST", "/api/auth/otp/confirm", {"otp": totp(enrolled["secret"])})


async def by_other_session(server: HQServer, client: RestClient) -> None:
    """“End this session” from another one."""
    async with await RestClient(server).login(VICTIMS["g"]) as other:
        session = Forge(client.access).claims["sid"]
        await other.call("DELETE", f"/api/auth/sessions/{session}")


async def by_all_others(server: HQServer, client: RestClient) -> None:
    """“End all others” from another one."""
    async with await RestClient(server).login(VICTIMS["h"]) as other:
        await other.call("DELETE", "/api/auth/sessions")
        assert await other.call("GET", "/api/auth/me")


async def by_disabling(server: HQServer, client: RestClient) -> None:
    """The account is disabled."""
    await asyncio.to_thread(server.manage, "set_access", VICTIMS["i"].username, "--disable")


async def by_command(server: HQServer, client: RestClient) -> None:
    """An operator on the machine."""
    await asyncio.to_thread(server.manage, "end_sessions", VICTIMS["j"].username)


async def by_deletion(server: HQServer, client: RestClient) -> None:
    """The account is gone from the database, and nobody was told."""
    agent = UUID(client.agent["id"]).hex
    for table in ("connection", "ticket", "session"):
        whose = "session_id IN (SELECT id FROM agents_session WHERE agent_id = ?)"
        rows(
            server,
            f"DELETE FROM agents_{table} WHERE "
            + ("agent_id = ?" if table == "session" else whose),
            agent,
        )
    rows(server, "DELETE FROM agents_agent WHERE id = ?", agent)


ENDS = {
    "logout": Ended(by_logout, VICTIMS["b"], "logout"),
    "password change": Ended(by_password, VICTIMS["e"], "password_changed"),
    "second factor": Ended(by_second_factor, VICTIMS["f"], "mfa_changed"),
    "ended from another": Ended(by_other_session, VICTIMS["g"], "ended_by_agent"),
    "all others ended": Ended(by_all_others, VICTIMS["h"], "ended_by_agent"),
    "agent disabled": Ended(by_disabling, VICTIMS["i"], "disabled"),
    "end_sessions": Ended(by_command, VICTIMS["j"], "administrator"),
    "account deleted": Ended(by_deletion, VICTIMS["k"], None),
}


@pytest.mark.parametrize("end", ENDS)
async def test_an_ended_session_is_refused_on_every_worker(
    end: str, fort: HQServer, attacker: Attacker, trail: Trail
) -> None:
    """T12: access, refresh, handshake; and its open sockets are closed with 4003."""
    way = ENDS[end]
    async with (
        await RestClient(fort).login(way.victim) as client,
        on_each_worker(fort, client) as (
            callers,
            sockets,
        ),
    ):
        session = Forge(client.access).claims["sid"]
        await way.by(fort, client)
        for caller in callers:
            await assert_refused(caller)
        for _ in range(4):
            assert (await attacker.attempt(token=client.access)).code == "token_invalid"
        again = {"refresh": client.refresh_token}
        assert (await attacker.call("POST", "/api/auth/refresh", json=again)).status == 401
        for socket in sockets:
            assert (await socket.closed())[0] == 4003
    if way.reason is not None:
        await trail.expect("session_ended", session=session, reason=way.reason)


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
    callers: dict[int, RestClient] = {}
    sockets: dict[int, SocketClient] = {}
    async with AsyncExitStack() as opened:
        for _ in range(40):
            if len(callers) < 2:
                caller = await opened.enter_async_context(RestClient(server))
                caller.access = client.access
                await caller.call("GET", "/api/auth/me")
                callers.setdefault(caller.worker, caller)
            if len(sockets) < 2:
                socket = await SocketClient.open(server, client.access, query="missions=none")
                await opened.enter_async_context(socket)
                await socket.expect("welcome")
                sockets.setdefault(socket.worker, socket)
            if len(callers) == len(sockets) == 2:
                break
        else:
            raise AssertionError("One worker took every connection.")
        yield [*callers.values()], [*sockets.values()]


async def assert_refused(client: RestClient) -> None:
    """Its access token opens nothing."""
    with pytest.raises(Refused) as refused:
        await client.call("GET", "/api/auth/me")
    assert (refused.value.status, refused.value.code) == (401, "token_invalid")


def totp(secret: str, ahead: int = 0) -> str:
    """The code of this moment, or of a later step (RFC 6238)."""
    key = base64.b32decode(secret + "=" * (-len(secret) % 8))
    digest = hmac.digest(key, struct.pack(">Q", int(time.time()) // 30 + ahead), "sha1")
    at = digest[-1] & 15
    number: int = struct.unpack(">I", digest[at : at + 4])[0] & 0x7FFFFFFF
    return f"{number % 1_000_000:06d}"
