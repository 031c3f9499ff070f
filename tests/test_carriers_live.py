"""Every carrier with a good, an expired, a forged and no token, as a browser and as a program."""

import sqlite3

import httpx
import pytest

from tests.cast import HANDLER
from tests.handshakes import (
    BAD,
    CARRIERS,
    Carried,
    assert_http_refusal,
    assert_refused,
    assert_told_and_closed,
    assert_welcome,
    carried,
    connect,
)
from tests.hq_server import PARTNER_ORIGIN, HQServer
from tests.patience import PATIENCE
from tests.rest_client import RestClient
from tests.tokens import forged


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
    async with httpx.AsyncClient(base_url=hq.url, trust_env=False, timeout=PATIENCE) as client:
        answer = await client.get("/api/auth/me", headers={} if state == "none" else headers)
    if state == "good":
        assert (answer.status_code, answer.json()["codename"]) == (200, HANDLER.codename)
        return
    assert (answer.status_code, answer.json()["code"]) == (401, code or "token_missing")
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")
