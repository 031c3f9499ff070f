"""What sockets leave in the security log, and that it holds no credential."""

import logging
from collections.abc import AsyncIterator
from uuid import uuid4

import pytest
import structlog
from pytest_django.fixtures import Settings

from agents.audit import Entry
from agents.models import Agent
from agents.notebook import Notebook
from agents.roles import Clearance
from agents.sockets.limits import MALFORMED_MOST
from agents.tests.wire import ORIGIN, Refused, Wire
from missions import services
from missions.tests.room import Room
from tests.cast import HANDLER, OPERATIVE, Member, enlist

pytestmark = pytest.mark.django_db(transaction=True)

ADDRESS = "192.0.2.1"


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


def written(book: Notebook, *events: str) -> list[Entry]:
    """What was taken down so far, of these events or of all."""
    entries = book._take(everything=True)
    assert "eyJ" not in str(entries)
    return [entry for entry in entries if not events or entry.event in events]


async def test_a_connection_leaves_its_beginning_and_its_end(
    room: Room, own_notebook: Notebook
) -> None:
    """Who, by which session, from where, how it came in, and the code it ended with."""
    session = await room.session(HANDLER)
    wire = await room.enter(session)
    await wire.ended()
    opened, closed = written(own_notebook)
    assert (opened.event, closed.event) == ("ws_connect", "ws_close")
    for entry in (opened, closed):
        assert (entry.actor, entry.session, entry.address) == (
            room.cast[HANDLER].pk,
            session.pk,
            ADDRESS,
        )
    assert opened.details["carrier"] == "query"
    assert closed.details == {"connection": opened.details["connection"], "code": 1006}


async def test_refusals_before_authentication_are_counted(
    room: Room, own_notebook: Notebook
) -> None:
    """By address and reason; with the carrier, without the token."""
    for _ in range(3):
        with pytest.raises(Refused):
            await Wire.open("eyJhbGciOiJFUzI1NiJ9.e30.AAAA")
    with pytest.raises(Refused):
        await Wire.open()
    with pytest.raises(Refused):
        await Wire.open(origin="https://evil.example")
    wire = await room.open(origin=ORIGIN)
    wire.send("authenticate", token="eyJhbGciOiJFUzI1NiJ9.e30.AAAA")
    await wire.close()
    await wire.ended()
    said = [(one.event, one.address, one.details) for one in written(own_notebook)]
    token = {"reason": "token_invalid", "carrier": "query", "count": 4}
    missing = {"reason": "token_missing", "carrier": "first message", "count": 1}
    assert said == [
        ("authn_token_refused", ADDRESS, token),
        ("authn_token_refused", ADDRESS, missing),
        ("origin_refused", ADDRESS, {"reason": "socket", "count": 1}),
    ]


async def test_what_is_forbidden_is_written_with_its_agent(
    room: Room, own_notebook: Notebook
) -> None:
    """Which frame it was, never what it said."""
    mission = await room.do(
        services.create_mission, room.cast[HANDLER], "Lantern", "secret words", Clearance.RESTRICTED
    )
    await room.do(services.add_member, room.cast[HANDLER], mission.pk, room.cast[OPERATIVE].pk)
    wire = await room.enter(OPERATIVE)
    answer = await wire.ask("publish", mission=str(mission.pk), kind="order", body="Go home.")
    assert answer["code"] == "forbidden"
    (entry,) = written(own_notebook, "authz_fail")
    assert (entry.actor, entry.address) == (room.cast[OPERATIVE].pk, ADDRESS)
    assert entry.details == {"reason": "forbidden publish", "count": 1}


async def test_frames_that_are_refused_are_counted(room: Room, own_notebook: Notebook) -> None:
    """By session: what is none, what its command does not take, and what is not there."""
    wire = await room.enter(OPERATIVE)
    for text in ("nonsense", "[]", '{"type":"dance"}'):
        wire.text(text)
    mission = str(uuid4())
    for fields in ({"mission": mission, "body": "a"}, {"mission": mission, "body": "a\0b"}):
        await wire.ask("publish", kind="report", **fields)
    entries = written(own_notebook, "input_validation_fail", "authz_fail")
    assert {(one.actor, one.session) for one in entries} == {
        (room.cast[OPERATIVE].pk, entries[0].session)
    }
    assert [(one.event, one.details) for one in entries] == [
        ("input_validation_fail", {"reason": "frames", "count": 3}),
        ("authz_fail", {"reason": "not_found publish", "count": 1}),
        ("input_validation_fail", {"reason": "invalid publish", "count": 1}),
    ]


async def test_what_never_authenticates_is_counted(room: Room, own_notebook: Notebook) -> None:
    """A path without a socket, and a first message that is no text."""
    wire = await room.open(origin=ORIGIN)
    wire.binary(b"\0")
    assert (await wire.close())[0] == 1003
    await wire.ended()
    with pytest.raises(Refused) as refused:
        await Wire.open(path="/nothing")
    assert refused.value.status == 404
    said = [(one.event, one.address, one.details) for one in written(own_notebook)]
    assert said == [
        ("input_validation_fail", ADDRESS, {"reason": "frames", "count": 1}),
        ("input_validation_fail", ADDRESS, {"reason": "path", "count": 1}),
    ]


async def test_floods_are_written(room: Room, own_notebook: Notebook, settings: Settings) -> None:
    """Too many sockets, too many frames, too many that are no frames."""
    settings.HQ_SOCKETS_PER_AGENT = 2
    malformed, quick = await room.enter(HANDLER), await room.enter(HANDLER)
    with pytest.raises(Refused):
        await room.open(HANDLER)
    for _ in range(MALFORMED_MOST):
        malformed.text("nonsense")
    await malformed.close()
    settings.HQ_FRAMES_PER_SECOND = 1
    for _ in range(settings.HQ_FRAME_BURST + 1):
        quick.send("ping")
    assert (await quick.close())[0] == 4029
    events = ("excess_rate_limit_exceeded", "input_validation_fail")
    said = [(one.event, one.details["reason"]) for one in written(own_notebook, *events)]
    assert said == [
        ("excess_rate_limit_exceeded", "sockets"),
        ("input_validation_fail", "frames"),
        ("excess_rate_limit_exceeded", "frames"),
    ]


async def test_lines_of_a_connection_name_it_and_its_session(room: Room) -> None:
    """Whatever logs on the way, and on no other connection's lines."""
    bound: list[dict[str, object]] = []
    before = structlog.contextvars.get_contextvars()  # of calls that earlier tests made

    class Listening(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            bound.append(structlog.contextvars.get_contextvars())

    listening = Listening()
    logger = logging.getLogger("agents.sockets.consumer")
    logger.addHandler(listening)
    try:
        session = await room.session(HANDLER)
        wire = await room.enter(session)
        wire.text(5)  # type: ignore[arg-type]  # a mistake of the server's
        await wire.close()
    finally:
        logger.removeHandler(listening)
    (names,) = bound
    assert names["session"] == str(session.pk)
    assert len(str(names["connection"])) == 36
    assert structlog.contextvars.get_contextvars() == before
