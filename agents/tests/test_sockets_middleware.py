"""The gate of every WebSocket: who comes in, and how each is told that it may not."""

import time
from collections.abc import AsyncIterator
from typing import Any

import pytest
from pytest_django.fixtures import Settings

from agents import sessions
from agents.cookies import access_cookie_name
from agents.models import Agent
from agents.sockets.limits import waiting
from agents.tests.wire import ORIGIN, Refused, Unanswered, Wire
from agents.tokens import AccessToken
from missions.tests.room import Room
from tests.cast import ANALYST, Member, enlist

pytestmark = pytest.mark.django_db(transaction=True)

PARTNER = "https://partner.example.net"


@pytest.fixture
def members(transactional_db: None) -> dict[Member, Agent]:
    """The cast, committed, so that the threads of sockets see it."""
    return enlist()


@pytest.fixture
async def room(members: dict[Member, Agent], settings: Settings) -> AsyncIterator[Room]:
    """The cast in front of the socket."""
    settings.HQ_ALLOWED_ORIGINS = [PARTNER]
    room = Room(members)
    yield room
    await room.aclose()
    assert waiting._total == 0, "a place among the waiting was not given back"


def carriers(token: str) -> dict[str, dict[str, Any]]:
    """The handshakes that bring a token."""
    return {
        "query": {"query": f"token={token}"},
        "authorization in the query": {"query": f"authorization=Bearer%20{token}"},
        "header": {"headers": [(b"authorization", f"Bearer {token}".encode())]},
        "token header": {"headers": [(b"token", token.encode())]},
        "subprotocol": {"subprotocols": ["hq.v1", f"bearer.{token}"]},
        "bare subprotocol": {"subprotocols": [token]},
        "cookie": {"headers": [(b"cookie", f"{access_cookie_name()}={token}".encode())]},
    }


CARRIERS = tuple(carriers(""))


@pytest.mark.parametrize("carrier", CARRIERS)
async def test_a_good_token_opens_by_every_carrier(room: Room, carrier: str) -> None:
    """From a browser by all, and from a program by all but the cookie."""
    brought = carriers(await room.token(ANALYST))[carrier]
    wire = await room.open(origin=ORIGIN, **brought)
    await wire.expect("welcome")
    if carrier == "cookie":
        with pytest.raises(Refused) as refused:
            await room.open(**brought)
        assert refused.value.body["code"] == "token_missing"
    else:
        await (await room.open(**brought)).expect("welcome")


async def expired(room: Room) -> str:
    """A token with a good signature that is past its time and the leeway."""
    session = await room.session(ANALYST)
    token = AccessToken()
    token["sub"], token["sid"] = str(session.agent_id), str(session.pk)
    now = int(time.time())
    token["iat"], token["exp"] = now - 60, now - 30
    return str(token)


@pytest.mark.parametrize("carrier", [one for one in CARRIERS if one != "cookie"])
@pytest.mark.parametrize("flaw", ["expired", "forged", "ended"])
async def test_a_bad_token_is_refused_by_every_carrier(room: Room, carrier: str, flaw: str) -> None:
    """A program gets 401 with a body; a browser an open socket that says why, then 4001."""
    session = await room.session(ANALYST)
    token = await room.token(session)
    if flaw == "expired":
        token = await expired(room)
    elif flaw == "forged":
        token = token[:-6] + "AAAAAA"
    else:
        await room.do(sessions.end_session, session.pk, "logout")
    code = "token_expired" if flaw == "expired" else "token_invalid"
    brought = carriers(token)[carrier]
    with pytest.raises(Refused) as refused:
        await room.open(**brought)
    assert (refused.value.status, refused.value.body["code"]) == (401, code)
    assert refused.value.headers[b"www-authenticate"] == b'Bearer error="invalid_token"'
    wire = await room.open(origin=ORIGIN, **brought)
    await wire.expect("auth_failed", code=code)
    reason = "Token Expired" if flaw == "expired" else "Invalid Token"
    assert await wire.close() == (4001, f"Unauthorized: {reason}")


async def test_a_ticket_opens_one_socket(room: Room) -> None:
    """The second is refused, and a token is no ticket."""
    session = await room.session(ANALYST)
    ticket = await room.ticket(session)
    await (await room.open(query=f"ticket={ticket}")).expect("welcome")
    for value in (ticket, await room.token(session), ""):
        with pytest.raises(Refused) as refused:
            await room.open(query=f"ticket={value}")
        assert refused.value.body["code"] == "token_invalid"


async def test_a_cookie_counts_for_hqs_own_origin_alone(room: Room) -> None:
    """A partner's page has to bring a credential of its own, and may."""
    token = await room.token(ANALYST)
    wire = await room.open(origin=PARTNER, **carriers(token)["cookie"])
    wire.send("ping")
    await wire.expect("auth_failed", code="token_missing")
    await (await room.open(origin=PARTNER, **carriers(token)["query"])).expect("welcome")


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "null", "", "http://localhost:8001", "https://[::1", "é"]
)
async def test_another_origin_is_403_whatever_the_credential(room: Room, origin: str) -> None:
    """As HTTP: the page sees nothing of HQ."""
    with pytest.raises(Refused) as refused:
        await room.open(ANALYST, headers=[(b"origin", origin.encode())])
    assert (refused.value.status, refused.value.body["code"]) == (403, "origin_refused")


async def test_the_accept_echoes_what_was_offered(room: Room) -> None:
    """Also before a refusal, or browsers drop the message; an unknown protocol is not echoed."""
    token = await room.token(ANALYST)
    for offered, echoed in (
        (["hq.v1", f"bearer.{token}"], "hq.v1"),
        (["chat", f"bearer.{token}"], f"bearer.{token}"),
        (["bearer.a.b.c"], "bearer.a.b.c"),
        (["chat"], None),
    ):
        wire = await room.open(origin=ORIGIN, subprotocols=offered)
        assert wire.accepted is not None
        assert wire.accepted["subprotocol"] == echoed


async def test_an_address_has_so_many_places_to_wait(room: Room, settings: Settings) -> None:
    """One more is 4009, or 429 for a program; another address is not harmed."""
    settings.HQ_PENDING_PER_ADDRESS = 2
    silent = [await room.open(origin=ORIGIN) for _ in range(2)]
    browser = await room.open(origin=ORIGIN)
    assert (await browser.close())[0] == 4009
    with pytest.raises(Refused) as refused:
        await room.open(ANALYST)
    assert (refused.value.status, refused.value.body["code"]) == (429, "rate_limited")
    assert int(refused.value.headers[b"retry-after"]) >= 1
    await (await room.open(ANALYST, client=("198.51.100.7", 1))).expect("welcome")
    await silent[0].ended()
    await (await room.open(ANALYST)).expect("welcome")


async def test_an_agent_has_so_many_sockets(room: Room, settings: Settings) -> None:
    """One more is 429 for a program and 4009 for a browser; the others stay."""
    settings.HQ_SOCKETS_PER_AGENT = 2
    wires = [await room.enter(ANALYST) for _ in range(2)]
    with pytest.raises(Refused) as refused:
        await room.open(ANALYST)
    assert refused.value.status == 429
    browser = await room.open(ANALYST, origin=ORIGIN)
    assert (await browser.close())[0] == 4009
    assert [await wire.fence() for wire in wires] == [[], []]


async def test_a_server_without_denial_responses_closes_before_accepting(room: Room) -> None:
    """No HTTP answer can be given there, and nothing is accepted."""
    with pytest.raises(Unanswered):
        await Wire.open("a.b.c", denial=False)
