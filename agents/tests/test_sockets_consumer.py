"""The life of an authenticated socket: first message, refresh in place, expiry, limits.

Driven through the real middleware and the mission socket, which is the consumer that HQ serves.
"""

import asyncio
import datetime as dt
from collections.abc import AsyncIterator

import pytest
from django.db import InterfaceError, OperationalError
from pytest_django.fixtures import Settings

from agents import watch
from agents.models import Agent
from agents.sockets import consumer
from agents.sockets.limits import waiting
from agents.tests.wire import ORIGIN, Refused, Wire
from missions.tests.room import Room
from tests import database_faults
from tests.cast import ANALYST, HANDLER, Member, enlist

pytestmark = pytest.mark.django_db(transaction=True)

SOON = dt.timedelta(seconds=4)


@pytest.fixture
def members(transactional_db: None) -> dict[Member, Agent]:
    """The cast, committed, so that the threads of sockets see it."""
    return enlist()


@pytest.fixture
async def room(members: dict[Member, Agent]) -> AsyncIterator[Room]:
    """The cast in front of the socket."""
    room = Room(members)
    yield room
    await room.aclose()


# The first message.


@pytest.mark.parametrize(
    "form",
    [
        '{"type":"authenticate","token":"%s"}',
        '{"type":"authenticate","token":"%s","id":1}',
        "Authorization: Bearer %s",
        "authorization:bearer %s",
    ],
)
@pytest.mark.parametrize("who", ["browser", "program"])
async def test_a_first_message_authenticates(room: Room, form: str, who: str) -> None:
    """A browser with a good Origin, or a program that offers `hq.v1`."""
    options = {"origin": ORIGIN} if who == "browser" else {"subprotocols": ["hq.v1"]}
    wire = await room.open(**options)
    wire.text(form % await room.token(ANALYST))
    assert (await wire.expect("welcome"))["agent"]["codename"] == ANALYST.codename
    assert waiting._total == 0


@pytest.mark.parametrize(
    ("text", "code", "reason"),
    [
        ('{"type":"ping"}', "token_missing", "Unauthorized: Token Required"),
        ('{"type":"authenticate"}', "token_missing", "Unauthorized: Token Required"),
        ('{"type":"authenticate","token":""}', "token_missing", "Unauthorized: Token Required"),
        ("not json", "token_missing", "Unauthorized: Token Required"),
        ('{"type":"authenticate","token":"a.b.c"}', "token_invalid", "Unauthorized: Invalid Token"),
        ("Authorization: Basic abc", "token_invalid", "Unauthorized: Invalid Token"),
        ("Authorization: Bearer", "token_invalid", "Unauthorized: Invalid Token"),
    ],
)
async def test_any_other_first_message_is_refused(
    room: Room, text: str, code: str, reason: str
) -> None:
    """With a frame that says why, no data before it, and 4001."""
    wire = await room.open(origin=ORIGIN)
    wire.text(text)
    await wire.expect("auth_failed", code=code)
    assert await wire.close() == (4001, reason)


async def test_a_first_message_has_its_time(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who says nothing is told `auth_timeout`, and closed with 4001."""
    monkeypatch.setattr(consumer, "FIRST_MESSAGE_WITHIN", 0.05)
    wire = await room.open(origin=ORIGIN)
    await wire.expect("auth_failed", code="auth_timeout")
    assert await wire.close() == (4001, "Unauthorized: Timeout")


async def test_a_place_among_the_waiting_is_given_back_once(room: Room, settings: Settings) -> None:
    """Coming and going by first message does not make room for more than the limit."""
    settings.HQ_PENDING_PER_ADDRESS = 2
    silent = await room.open(origin=ORIGIN)
    for _ in range(3):
        wire = await Wire.open(origin=ORIGIN)
        wire.send("authenticate", token=await room.token(ANALYST))
        await wire.expect("welcome")
        await wire.ended()
    assert waiting._total == 1
    await silent.ended()
    assert waiting._total == 0


# Refresh in place.


async def test_a_refresh_by_token_or_ticket_moves_the_expiry(room: Room) -> None:
    """`refreshed` says until when; `authenticate` again is a refresh too."""
    session = await room.session(ANALYST)
    wire = await room.enter(session)
    by_token = await wire.ask("refresh", token=await room.token(session))
    by_ticket = await wire.ask("refresh", ticket=await room.ticket(session))
    again = await wire.ask("authenticate", token=await room.token(session))
    assert [answer["type"] for answer in (by_token, by_ticket, again)] == ["refreshed"] * 3
    assert by_token["expires_at"] <= again["expires_at"]


async def test_any_frame_may_carry_a_token(room: Room) -> None:
    """It is checked as in `refresh`, and the frame is answered."""
    session = await room.session(ANALYST)
    wire = await room.enter(session)
    assert (await wire.ask("ping", token=await room.token(session)))["type"] == "pong"
    wire.send("ping", token="a.b.c")
    await wire.expect("auth_failed", code="token_invalid")
    assert await wire.close() == (4001, "Unauthorized: Invalid Token")


async def test_staff_without_a_second_factor_cannot_refresh(room: Room, settings: Settings) -> None:
    """Refused as a bad token is: the socket ends."""
    session = await room.session(ANALYST)
    wire, token = await room.enter(session), await room.token(session)
    await room.do(Agent.objects.filter(pk=session.agent_id).update, is_staff=True)
    settings.HQ_DEVELOPMENT = False
    wire.send("refresh", token=token)
    await wire.expect("auth_failed", code="forbidden")
    assert await wire.close() == (4001, "Unauthorized: Invalid Token")


@pytest.mark.parametrize("stranger", ["another agent", "another session"])
async def test_a_refresh_for_anybody_else_ends_the_socket(room: Room, stranger: str) -> None:
    """A second agent, or a second session of the same one, cannot take a socket over."""
    wire = await room.enter(ANALYST)
    other = HANDLER if stranger == "another agent" else ANALYST
    wire.send("authenticate", token=await room.token(other))
    await wire.expect("auth_failed", code="token_invalid")
    assert (await wire.close())[0] == 4001


async def test_a_ticket_refreshes_once(room: Room) -> None:
    """Used again it ends the socket."""
    session = await room.session(ANALYST)
    wire, ticket = await room.enter(session), await room.ticket(session)
    assert (await wire.ask("refresh", ticket=ticket))["type"] == "refreshed"
    wire.send("refresh", ticket=ticket)
    assert (await wire.close())[0] == 4001


@pytest.mark.parametrize(
    ("fields", "field"), [({}, "token"), ({"token": "a", "ticket": "b"}, "ticket")]
)
async def test_a_refresh_needs_one_credential(
    room: Room, fields: dict[str, str], field: str
) -> None:
    """None or two are `invalid`, and the socket stays."""
    wire = await room.enter(ANALYST)
    answer = await wire.ask("refresh", **fields)
    assert (answer["code"], answer["field"]) == ("invalid", field)
    assert await wire.fence() == []


# Expiry.


async def test_a_socket_ends_with_its_token(room: Room) -> None:
    """`welcome` first, then the warning, and 4001 at the end; nobody else is touched."""
    other = await room.enter(HANDLER)
    wire = await room.open(await room.session(ANALYST, SOON))
    await wire.expect("welcome")
    warning = await wire.expect("token_expiring")
    assert 0 <= warning["expires_in"] <= SOON.total_seconds()
    assert await wire.close() == (4001, "Unauthorized: Token Expired")
    assert await other.fence() == []


async def test_a_warning_does_not_come_before_its_time(room: Room) -> None:
    """A token of fifteen minutes is not said to expire."""
    wire = await room.open(ANALYST)
    await wire.expect("welcome")
    assert await wire.fence() == []


async def test_a_service_token_does_not_outlive_its_session(room: Room) -> None:
    """The socket expires with whichever of the two ends first."""
    wire = await room.open(await room.session(ANALYST, dt.timedelta(minutes=1)))
    welcome = await wire.expect("welcome")
    ends = dt.datetime.fromisoformat(welcome["expires_at"])
    assert ends <= dt.datetime.now(dt.UTC) + dt.timedelta(minutes=1)


# Limits.


@pytest.mark.parametrize(
    "text",
    ["", "not json", "[]", '"x"', "null", '{"type":"ping","id":NaN}', '{"type":"dance"}',
     '{"type":7}', '{"type":"ping","colour":1}', "[" * 50_000, "\ud800"],
)  # fmt: skip
async def test_a_malformed_frame_is_answered(room: Room, text: str) -> None:
    """With `error` `invalid`, and the socket stays open."""
    wire = await room.enter(ANALYST)
    wire.text(text)
    await wire.expect("error", code="invalid")
    assert await wire.fence() == []


async def test_ten_malformed_frames_in_a_minute_end_the_socket(room: Room) -> None:
    """Refusals such as `not_found` do not count."""
    wire = await room.enter(ANALYST)
    for _ in range(12):
        assert (await wire.ask("acknowledge", update="unknown"))["code"] == "not_found"
    for _ in range(10):
        wire.text("not json")
    assert (await wire.close())[0] == 4000


async def test_too_many_frames_end_the_socket(room: Room, settings: Settings) -> None:
    """A burst passes; what is beyond is 4029."""
    settings.HQ_FRAME_BURST, settings.HQ_FRAMES_PER_SECOND = 5, 1
    wire = await room.open(ANALYST, query="missions=none")
    for number in range(8):
        wire.send("ping", id=number)
    assert (await wire.close())[0] == 4029


async def test_binary_frames_and_large_ones_are_refused(room: Room) -> None:
    """1003 and 1009; a frame just within the limit is read."""
    binary, large, accented = [await room.enter(ANALYST) for _ in range(3)]
    binary.binary(b"{}")
    assert (await binary.close())[0] == 1003
    large.text("x" * (128 * 1024))
    await large.expect("error", code="invalid")
    large.text("x" * (128 * 1024 + 1))
    assert (await large.close())[0] == 1009
    accented.text("é" * (64 * 1024 + 1))
    assert (await accented.close())[0] == 1009


@pytest.mark.parametrize("failure", [OperationalError, InterfaceError])
async def test_a_failing_database_is_unavailable_and_harms_no_socket(
    room: Room, failure: type[Exception]
) -> None:
    """A command answers `unavailable`; a handshake is 503, or 1013 for a browser."""
    session = await room.session(ANALYST)
    token = await room.token(session)
    wire = await room.enter(session)
    with database_faults.failing(error=failure):
        assert (await wire.ask("refresh", token=token))["code"] == "unavailable"
        assert await wire.fence() == []
        browser = await room.open(origin=ORIGIN, query=f"token={token}")
        assert (await browser.close())[0] == 1013
        with pytest.raises(Refused) as refused:
            await room.open(query=f"token={token}")
        assert refused.value.status == 503
    assert (await wire.ask("refresh", token=token))["type"] == "refreshed"


async def test_an_error_of_our_own_closes_that_socket_alone(
    room: Room, caplog: pytest.LogCaptureFixture
) -> None:
    """1011, with a traceback in the log and none of what was sent."""
    wire, other = await room.enter(ANALYST), await room.enter(ANALYST)
    with database_faults.failing('FROM "agents_agent" WHERE', ZeroDivisionError, times=1):
        wire.send("publish", mission="m", kind="report", body="a body that stays private")
        assert (await wire.close())[0] == 1011
    assert "ZeroDivisionError" in caplog.text
    assert "private" not in caplog.text
    assert await other.fence() == []


async def test_a_socket_that_ended_leaves_nothing_behind(room: Room) -> None:
    """No timer, no place in the watch, no task."""
    tasks = asyncio.all_tasks()
    wire = await Wire.open(await room.token(ANALYST))
    await wire.expect("welcome")
    await wire.ended()
    assert watch.current()._sockets == {}
    named = {task.get_coro().__qualname__ for task in asyncio.all_tasks() - tasks}  # type: ignore[union-attr]
    assert not any("Consumer" in name or "Outgoing" in name for name in named)
