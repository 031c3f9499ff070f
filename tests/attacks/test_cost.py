"""What checking who somebody is costs the database: counted, in this process."""

import re
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from pytest_django.fixtures import Settings

from agents.models import Agent
from agents.roles import Clearance
from agents.sessions import issue_pair, open_session
from agents.tests.wire import Refused
from missions.services import create_mission
from missions.tests.room import Room
from tests import database_faults
from tests.attacks.forging import Forge
from tests.cast import HANDLER, Member, enlist

HERE = {"host": "localhost"}


@pytest.fixture
def members(db: None) -> dict[Member, Agent]:
    """The cast."""
    return enlist()


@pytest.fixture
def token(members: dict[Member, Agent]) -> str:
    """The handler's access token."""
    return issue_pair(open_session(members[HANDLER])).access


def asked(token: str, path: str) -> tuple[int, list[str]]:
    """Status and queries of a read."""
    with CaptureQueriesContext(connection) as queries:
        answer = Client(headers=HERE).get(path, headers={"Authorization": f"Bearer {token}"})
    return answer.status_code, [query["sql"] for query in queries]


def test_an_authenticated_read_costs_one_query(token: str) -> None:
    """For session and agent together; a list of missions takes one more, its own."""
    status, queries = asked(token, "/api/auth/me")
    assert status == 200
    assert len(queries) == 1
    assert "agents_session" in queries[0]
    assert "agents_agent" in queries[0]
    status, more = asked(token, "/api/missions")
    assert status == 200
    assert len(more) == 2
    assert [query for query in more if "agents_session" in query] == more[:1]


def test_where_staff_need_a_second_factor_it_is_the_same_query(
    token: str, settings: Settings
) -> None:
    """As in production: whether one is set is said by the query for session and agent."""
    settings.HQ_DEVELOPMENT = False
    status, queries = asked(token, "/api/auth/me")
    assert (status, len(queries)) == (200, 1)
    assert "otp_totp_totpdevice" in queries[0]


def test_a_forged_token_costs_none(token: str) -> None:
    """Nor an expired one, nor none at all: the signature comes before the database."""
    forge = Forge(token)
    for bad in (forge.flipped(5), forge.stolen(kid="x' --"), forge.unsigned(alg="none"), "", "x"):
        assert asked(bad, "/api/auth/me") == (401, [])


def test_a_forged_refresh_token_costs_none(members: dict[Member, Agent]) -> None:
    """At the door that anybody may knock at."""
    forged = Forge(issue_pair(open_session(members[HANDLER])).refresh).flipped(9)
    with CaptureQueriesContext(connection) as queries:
        answer = Client(headers=HERE).post(
            "/api/auth/refresh", {"refresh": forged}, content_type="application/json"
        )
    assert (answer.status_code, len(queries)) == (401, 0)


@pytest.fixture
async def room(transactional_db: None, members: dict[Member, Agent]) -> AsyncIterator[Room]:
    """The cast in front of the socket, past what only a worker's first socket costs."""
    room = Room(members)
    await room.enter(HANDLER, query="missions=none")
    yield room
    await room.aclose()


BEATS = ("hq-watch", "hq-audit")
"""Threads that compare all sockets and write the log: they belong to no handshake."""

OTHERS = re.compile(r'^BEGIN|"disconnect_wanted" AND|UPDATE "agents_(worker|connection)"')
"""The bracket of a write, and what follows a comparison in a thread of commands."""


@contextmanager
def asked_by_a_socket() -> Iterator[list[str]]:
    """Verb and first table of all that is asked for a socket, as it comes."""
    found: list[str] = []
    with database_faults.recorded("", but=BEATS) as said:
        yield found
    found += [short(sql) for sql in said if not OTHERS.search(sql)]


def short(sql: str) -> str:
    """`SELECT agents_session` for a whole statement; what stands in brackets is within it."""
    outside, inner = sql, 1
    while inner:
        outside, inner = re.subn(r"\([^()]*\)", "", outside)
    verb = outside.split(None, 1)[0]
    table = re.search(r'(?:FROM|INTO|UPDATE) "(\w+)"', outside)
    return f"{verb} {table.group(1)}" if table else verb


@pytest.mark.django_db(transaction=True)
async def test_a_handshake_costs_one_read_and_one_write(room: Room) -> None:
    """One read for session, agent and open connections, and the row of the connection.

    All that follows is welcome's own: the rights, read afresh once the socket is watched.
    """
    restricted = Clearance.RESTRICTED
    await room.do(create_mission, room.cast[HANDLER], "Lantern", "", restricted)
    token = await room.token(HANDLER)
    with asked_by_a_socket() as asked:
        wire = await room.open(query=f"missions=none&token={token}")
        assert len((await wire.expect("welcome"))["missions"]) == 1
        await wire.fence()
    assert asked == [
        "SELECT agents_session",
        "INSERT agents_connection",
        "SELECT agents_agent",
        "SELECT missions_assignment",
        "SELECT missions_mission",
    ]


@pytest.mark.django_db(transaction=True)
async def test_a_forged_handshake_costs_nothing(room: Room) -> None:
    """Refused before the database hears of it."""
    forged = Forge(await room.token(HANDLER)).flipped(3)
    with asked_by_a_socket() as asked:
        for how in (
            {"query": f"token={forged}"},
            {"query": f"authorization={forged}"},
            {"headers": [(b"token", forged.encode())]},
            {"headers": [(b"authorization", f"Bearer {forged}".encode())]},
            {"subprotocols": [forged]},
            {"query": f"ticket={forged}"},
        ):
            with pytest.raises(Refused) as refused:
                await room.open(**how)
            assert refused.value.status == 401
        wire = await room.open(subprotocols=["hq.v1"])
        wire.send("authenticate", token=forged)
        assert (await wire.close())[0] == 4001
    assert asked == []
