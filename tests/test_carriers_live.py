"""Every carrier with a good, an expired, a forged and no token, from a browser and from a program.

A browser is a client that sends an Origin: it is let in and told why it must go. A program gets an
HTTP answer. The first message is the carrier that both use on an open socket.
"""

import asyncio
import json
import sqlite3
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from urllib.parse import quote

import httpx
import pytest
import websockets

from tests.cast import HANDLER, PASSWORD
from tests.hq_server import PARTNER_ORIGIN, HQServer
from tests.ledger import Frame
from tests.rest_client import RestClient
from tests.socket_client import SocketClient
from tests.tokens import expired, forged


@dataclass
class Carried:
    """How a credential goes into a handshake."""

    query: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    subprotocols: list[str] | None = None
    echoed: str | None = None


def carried(carrier: str, token: str) -> Carried:
    """The handshake that brings that token by that carrier."""
    return {
        "query token": lambda: Carried(query=f"token={token}"),
        "query authorization": lambda: Carried(query=f"authorization={token}"),
        "query bearer": lambda: Carried(query=f"authorization={quote(f'Bearer {token}')}"),
        "header": lambda: Carried(headers={"Authorization": f"Bearer {token}"}),
        "header token": lambda: Carried(headers={"token": token}),
        "sub-protocol": lambda: Carried(subprotocols=["hq.v1", f"bearer.{token}"], echoed="hq.v1"),
        "bare sub-protocol": lambda: Carried(subprotocols=[token], echoed=token),
    }[carrier]()


CARRIERS = (
    "query token",
    "query authorization",
    "query bearer",
    "header",
    "header token",
    "sub-protocol",
    "bare sub-protocol",
)
BAD = {"expired": (expired, "token_expired"), "forged": (forged, "token_invalid")}
REASONS = {
    "token_expired": "Unauthorized: Token Expired",
    "token_invalid": "Unauthorized: Invalid Token",
    "token_missing": "Unauthorized: Token Required",
    "auth_timeout": "Unauthorized: Timeout",
}


@pytest.fixture(scope="module")
def access(hq: HQServer) -> str:
    """The access token of one login of the handler."""
    who = {"username": HANDLER.username, "password": PASSWORD, "transport": "body"}
    answer = httpx.post(f"{hq.url}/api/auth/login", json=who, trust_env=False)
    return str(answer.json()["access"])


@pytest.fixture
async def handler(hq: HQServer, access: str) -> AsyncIterator[RestClient]:
    """The handler, logged in."""
    async with RestClient(hq) as client:
        client.access = access
        yield client


async def connect(hq: HQServer, how: Carried, origin: str | None) -> SocketClient:
    """A socket opened with that handshake."""
    return await SocketClient.open(
        hq, query=how.query, headers=how.headers, subprotocols=how.subprotocols, origin=origin
    )


async def assert_welcome(hq: HQServer, how: Carried, origin: str | None) -> None:
    """The socket opens, says who it is for, and names the sub-protocol."""
    async with await connect(hq, how, origin) as socket:
        assert (await socket.next())["type"] == "welcome"
        assert socket.ledger.agent is not None
        assert socket.ledger.agent["codename"] == HANDLER.codename
        assert socket.connection.subprotocol == how.echoed


async def assert_refused(hq: HQServer, how: Carried, origin: str | None, code: str) -> None:
    """A browser is let in, told, and closed; a program gets 401 as HTTP."""
    if origin is None:
        await assert_http_refusal(hq, how, origin, 401, code)
        return
    async with await connect(hq, how, origin) as socket:
        assert socket.connection.subprotocol == how.echoed
        await assert_told_and_closed(socket, code)


async def assert_told_and_closed(socket: SocketClient, code: str) -> None:
    """One `auth_failed`, nothing else, then 4001 with the reason."""
    assert await socket.closed() == (4001, REASONS[code])
    assert [frame["type"] for frame in socket.frames] == ["auth_failed"]
    assert socket.frames[0]["code"] == code
    assert socket.frames[0]["message"]


async def assert_http_refusal(
    hq: HQServer, how: Carried, origin: str | None, status: int, code: str
) -> None:
    """The handshake is answered by an HTTP error of the contract."""
    with pytest.raises(websockets.InvalidStatus) as refused:
        await connect(hq, how, origin)
    response = refused.value.response
    body: Frame = json.loads(response.body or b"{}")
    assert (response.status_code, body["code"]) == (status, code)
    assert body["message"]
    if status == 401:
        assert response.headers["WWW-Authenticate"] == 'Bearer error="invalid_token"'


@pytest.mark.parametrize("client", ["program", "browser", "partner"])
@pytest.mark.parametrize("carrier", CARRIERS)
async def test_a_good_token_opens(
    hq: HQServer, handler: RestClient, carrier: str, client: str
) -> None:
    """By every explicit carrier, for a program and from every allowed Origin."""
    origin = {"program": None, "browser": hq.origin, "partner": PARTNER_ORIGIN}[client]
    await assert_welcome(hq, carried(carrier, handler.access), origin)


@pytest.mark.parametrize("state", BAD)
@pytest.mark.parametrize("client", ["program", "browser"])
@pytest.mark.parametrize("carrier", CARRIERS)
async def test_a_bad_token_is_refused(
    hq: HQServer, handler: RestClient, carrier: str, client: str, state: str
) -> None:
    """An expired token is told apart from a forged one, and from nothing else."""
    spoil, code = BAD[state]
    origin = hq.origin if client == "browser" else None
    await assert_refused(hq, carried(carrier, spoil(handler.access)), origin, code)
    await assert_welcome(hq, carried(carrier, handler.access), origin)


@pytest.mark.parametrize("client", ["program", "browser"])
@pytest.mark.parametrize("carrier", ["query token", "query authorization", "header token"])
async def test_an_empty_token_is_refused(hq: HQServer, carrier: str, client: str) -> None:
    """A carrier that brings nothing is a credential that is missing."""
    origin = hq.origin if client == "browser" else None
    await assert_refused(hq, carried(carrier, ""), origin, "token_missing")


async def test_a_program_without_a_token_is_refused(hq: HQServer) -> None:
    """No credential and no offer to authenticate: 401."""
    await assert_refused(hq, Carried(), None, "token_missing")


# Tickets: they do not look like tokens and open one socket.


@pytest.mark.parametrize("client", ["program", "browser"])
async def test_a_ticket_opens_once(hq: HQServer, handler: RestClient, client: str) -> None:
    """The second use is refused."""
    origin = hq.origin if client == "browser" else None
    how = Carried(query=f"ticket={await handler.ticket()}")
    await assert_welcome(hq, how, origin)
    await assert_refused(hq, how, origin, "token_invalid")


@pytest.mark.parametrize("client", ["program", "browser"])
async def test_an_old_ticket_is_refused(hq: HQServer, handler: RestClient, client: str) -> None:
    """After its 30 seconds, here moved into the past."""
    origin = hq.origin if client == "browser" else None
    ticket = await handler.ticket()
    with sqlite3.connect(hq.log.with_name("hq.sqlite3"), timeout=10) as database:
        database.execute("UPDATE agents_ticket SET expires_at = '2020-01-01 00:00:00'")
    database.close()
    await assert_refused(hq, Carried(query=f"ticket={ticket}"), origin, "token_invalid")


@pytest.mark.parametrize("client", ["program", "browser"])
async def test_a_made_up_ticket_is_refused(hq: HQServer, handler: RestClient, client: str) -> None:
    """And so is a token in a ticket's place, a ticket in a token's, and an empty one."""
    origin = hq.origin if client == "browser" else None
    for ticket in ("x" * 43, handler.access):
        await assert_refused(hq, Carried(query=f"ticket={ticket}"), origin, "token_invalid")
    swapped = carried("query token", await handler.ticket())
    await assert_refused(hq, swapped, origin, "token_invalid")


# The cookie: for HQ's own pages alone.


async def test_the_cookie_opens_for_hqs_own_origin_alone(hq: HQServer, handler: RestClient) -> None:
    """From a partner's page and from a program the same cookie is no credential."""
    how = Carried(headers={"Cookie": f"jwt={handler.access}"})
    await assert_welcome(hq, how, hq.origin)
    await assert_refused(hq, how, None, "token_missing")
    async with await connect(hq, how, PARTNER_ORIGIN) as socket:
        await socket.send({"type": "ping"})
        await assert_told_and_closed(socket, "token_missing")


@pytest.mark.parametrize("state", BAD)
async def test_a_bad_cookie_is_refused(hq: HQServer, handler: RestClient, state: str) -> None:
    """Like any bad token."""
    spoil, code = BAD[state]
    how = Carried(headers={"Cookie": f"jwt={spoil(handler.access)}"})
    await assert_refused(hq, how, hq.origin, code)
    await assert_refused(hq, how, None, "token_missing")


async def test_an_explicit_credential_wins_over_the_cookie(
    hq: HQServer, handler: RestClient
) -> None:
    """A bad one is refused without falling back to a good cookie, a good one needs none."""
    good, bad = handler.access, forged(handler.access)
    for query, cookie, code in ((bad, good, "token_invalid"), (good, bad, None)):
        how = Carried(query=f"token={query}", headers={"Cookie": f"jwt={cookie}"})
        if code is None:
            await assert_welcome(hq, how, hq.origin)
        else:
            await assert_refused(hq, how, hq.origin, code)


@pytest.mark.parametrize("client", ["program", "browser"])
async def test_several_credentials_are_refused(
    hq: HQServer, handler: RestClient, client: str
) -> None:
    """Even when each of them is good."""
    origin = hq.origin if client == "browser" else None
    token = handler.access
    both = Carried(query=f"token={token}", headers={"Authorization": f"Bearer {token}"})
    twice = Carried(query=f"token={token}&token={token}")
    for how in (both, twice):
        await assert_refused(hq, how, origin, "token_invalid")


# The first message.

TEXTS = {
    "frame": lambda token: json.dumps({"type": "authenticate", "token": token}),
    "text": lambda token: f"Authorization: Bearer {token}",
}
CLIENTS = {
    "program": Carried(subprotocols=["hq.v1"], echoed="hq.v1"),
    "browser": Carried(),
}


@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize("text", TEXTS)
async def test_a_good_first_message_opens(
    hq: HQServer, handler: RestClient, text: str, client: str
) -> None:
    """Nothing is said before it, `welcome` after it."""
    origin = hq.origin if client == "browser" else None
    async with await connect(hq, CLIENTS[client], origin) as socket:
        await socket.send(TEXTS[text](handler.access))
        assert (await socket.next())["type"] == "welcome"


@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("state", BAD)
async def test_a_bad_first_message_is_refused(
    hq: HQServer, handler: RestClient, state: str, text: str, client: str
) -> None:
    """The socket is open already: both kinds of client are told by a frame."""
    spoil, code = BAD[state]
    origin = hq.origin if client == "browser" else None
    async with await connect(hq, CLIENTS[client], origin) as socket:
        await socket.send(TEXTS[text](spoil(handler.access)))
        await assert_told_and_closed(socket, code)


async def test_a_first_message_must_authenticate_and_must_come(hq: HQServer) -> None:
    """Anything else is refused at once, silence after five seconds."""
    silent = [
        await connect(hq, CLIENTS["program"], None),
        await connect(hq, CLIENTS["browser"], hq.origin),
    ]
    for client, origin in (("program", None), ("browser", hq.origin)):
        async with await connect(hq, CLIENTS[client], origin) as socket:
            await socket.send({"type": "subscribe", "mission": "x"})
            await assert_told_and_closed(socket, "token_missing")
    await asyncio.gather(*(assert_told_and_closed(socket, "auth_timeout") for socket in silent))


# Origins.


@pytest.mark.parametrize(
    "origin",
    [
        "https://evil.example",
        "null",
        "https://{host}",
        "http://127.0.0.1:1",
        "http://{host}.evil.example",
        "http://evil@{host}",
        "https://h:99999",
        "https://[::1",
        "x" * 8000,
    ],
)
async def test_another_origin_is_refused_whatever_it_brings(
    hq: HQServer, handler: RestClient, origin: str
) -> None:
    """Also with good credentials, and also when it is no origin at all."""
    where = origin.replace("{host}", f"127.0.0.1:{hq.port}")
    for how in (
        Carried(),
        carried("query token", handler.access),
        Carried(headers={"Cookie": f"jwt={handler.access}"}),
    ):
        await assert_http_refusal(hq, how, where, 403, "origin_refused")


# The same over REST.


@pytest.mark.parametrize("carrier", ["header", "cookie"])
@pytest.mark.parametrize("state", [*BAD, "good", "none"])
async def test_rest_answers_alike(
    hq: HQServer, handler: RestClient, carrier: str, state: str
) -> None:
    """`GET /api/auth/me` by header and by cookie."""
    spoil, code = BAD.get(state, (lambda token: token, ""))
    token = spoil(handler.access)
    headers = {"Authorization": f"Bearer {token}"}
    if carrier == "cookie":
        headers = {"Cookie": f"jwt={token}"}
    async with httpx.AsyncClient(base_url=hq.url, trust_env=False) as client:
        answer = await client.get("/api/auth/me", headers={} if state == "none" else headers)
    if state == "good":
        assert (answer.status_code, answer.json()["codename"]) == (200, HANDLER.codename)
        return
    assert (answer.status_code, answer.json()["code"]) == (401, code or "token_missing")
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")
