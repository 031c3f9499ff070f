"""What checking who somebody is costs the database: counted, in this process."""

from collections.abc import AsyncIterator, Iterator

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from pytest_django.fixtures import Settings

from agents.models import Agent
from agents.sessions import issue_pair, open_session
from agents.tests.wire import Refused
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


@pytest.fixture
def statements() -> Iterator[list[str]]:
    """What any thread says to the database about agents, their sessions and connections."""
    with database_faults.recorded('"agents_') as said:
        yield said


@pytest.mark.django_db(transaction=True)
async def test_a_handshake_costs_one_read_and_one_write(room: Room, statements: list[str]) -> None:
    """One read for session, agent and open connections; the row of the connection. No more."""
    token = await room.token(HANDLER)
    statements.clear()
    wire = await room.open(query=f"missions=none&token={token}")
    await wire.expect("welcome")
    # The comparison of all sockets every 2 s is nobody's handshake; it reads no codename.
    own = [sql for sql in statements if "codename" in sql or not sql.startswith("SELECT")]
    assert [sql.split()[0] for sql in own if "session" in sql] == ["SELECT", "INSERT"]
    assert 'FROM "agents_session"' in own[0]
    assert 'INTO "agents_connection"' in own[1]
    # What follows is the missions' own: whoever joins streams has its rights read afresh.
    assert all(sql.startswith("SELECT") for sql in own[2:])


@pytest.mark.django_db(transaction=True)
async def test_a_forged_handshake_costs_nothing(room: Room, statements: list[str]) -> None:
    """Refused before the database hears of it."""
    forged = Forge(await room.token(HANDLER)).flipped(3)
    statements.clear()
    for how in ({"query": f"token={forged}"}, {"headers": [(b"token", forged.encode())]}):
        with pytest.raises(Refused) as refused:
            await room.open(**how)
        assert refused.value.status == 401
    assert [sql for sql in statements if "codename" in sql or "INSERT" in sql] == []
