"""Rights as a whole, read for many at once: the one rule again, and nothing else."""

import asyncio
from collections.abc import AsyncIterator
from uuid import UUID, uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from agents import live, watch
from agents.models import Agent
from agents.protocol import CloseCode
from agents.roles import Clearance
from missions import access, audiences, limits, selectors, services
from missions.access import Access, follow_revisions, read_access
from missions.models import Mission
from missions.protocol import Status
from tests.cast import ANALYST, DIRECTOR, HANDLER, OUTSIDER, Member

pytestmark = pytest.mark.django_db(transaction=True)

Cast = dict[Member, Agent]


@pytest.fixture
def missions(cast: Cast, mission: Mission) -> list[Mission]:
    """Missions of every classification, some with the analyst, one closed."""
    made = [mission]
    for level in Clearance:
        one = services.create_mission(cast[DIRECTOR], f"Level {level.value}", "", level)
        if level in (Clearance.CONFIDENTIAL, Clearance.TOP_SECRET):
            services.add_member(cast[DIRECTOR], one.pk, cast[ANALYST].pk)
        made.append(one)
    services.change_mission(cast[DIRECTOR], made[1].pk, status=Status.ABORTED)
    return made


def test_it_is_the_rule_of_the_querysets(cast: Cast, missions: list[Mission]) -> None:
    """For every agent the same missions, in the order of lists; the stream is the viewer's."""
    rights = read_access([agent.pk for agent in cast.values()])
    for agent in cast.values():
        fresh = Agent.objects.get(pk=agent.pk)
        listed = [str(one.pk) for one in selectors.visible_missions(fresh)]
        mine = rights[agent.pk]
        assert list(mine.missions) == listed
        assert mine.revision == fresh.access_revision
        assert mine.stream == audiences.stream_for(fresh.viewer)
    assert rights[cast[OUTSIDER].pk].missions == {}


def test_it_costs_three_queries_for_any_number(cast: Cast, missions: list[Mission]) -> None:
    """A storm of re-scopings does not become a storm of queries."""
    with CaptureQueriesContext(connection) as queries:
        read_access([agent.pk for agent in cast.values()])
    assert len(queries) == 3


def test_the_disabled_and_the_unknown_are_left_out(cast: Cast) -> None:
    """They have no rights at all."""
    Agent.objects.filter(pk=cast[ANALYST].pk).update(is_active=False)
    assert read_access([cast[ANALYST].pk, uuid4()]) == {}
    assert read_access([]) == {}


def test_only_open_missions_that_changed_last_are_subscribed_unasked(
    cast: Cast, missions: list[Mission], monkeypatch: pytest.MonkeyPatch
) -> None:
    """At most so many, in the order of lists; a closed one never."""
    director = cast[DIRECTOR].pk
    closed = str(missions[1].pk)
    everything = read_access([director])[director]
    assert closed in everything.missions
    assert closed not in everything.latest
    monkeypatch.setattr(limits, "AUTO_SUBSCRIBED", 2)
    services.change_mission(cast[DIRECTOR], missions[0].pk, objective="Later.")
    assert set(read_access([director])[director].latest) == {
        str(missions[0].pk),
        str(missions[-1].pk),
    }


class Socket:
    """A mission socket as the rescoper sees one."""

    def __init__(self, agent: Agent) -> None:
        self.connection_id = uuid4()
        self.session_id, self.agent_id, self.access_revision = uuid4(), agent.pk, 0
        self.order: list[str] = []
        self.told = asyncio.Event()

    def session_ended(self, reason: str = "") -> None:
        """The agent is gone."""
        self.order.append("ended")
        self.told.set()

    def shut(self, code: CloseCode, reason: str) -> None:
        """Never, here."""
        raise AssertionError(code, reason)

    def cut(self, rights: Access) -> None:
        """Takes the new revision."""
        self.access_revision = rights.revision
        self.order.append("cut")

    async def rescope(self, rights: Access) -> None:
        """Is told."""
        self.order.append("told")
        self.told.set()


@pytest.fixture
async def loop_closed() -> AsyncIterator[None]:
    """Closes the loop's part in HQ after the test."""
    yield
    await live.aclose()


async def test_everybody_is_cut_before_anybody_is_told(cast: Cast, loop_closed: None) -> None:
    """Taking rights away does not wait for a slow client; an agent that is gone is ended."""
    follow_revisions()
    rescoper = access._of_loop[asyncio.get_running_loop()]
    sockets = [Socket(cast[ANALYST]), Socket(cast[HANDLER])]
    gone = Socket(cast[ANALYST])
    gone.agent_id = UUID(int=1)
    await rescoper._revised([*sockets, gone])
    assert [socket.order for socket in sockets] == [["cut"], ["cut"]]
    assert gone.order == ["ended"]
    for socket in sockets:
        async with asyncio.timeout(10):
            await socket.told.wait()
        assert socket.order == ["cut", "told"]


async def test_a_loop_that_begins_again_follows_revisions_again(
    cast: Cast, loop_closed: None
) -> None:
    """After its end, a new watch has a new rescoper: nobody keeps rights because of a restart."""
    follow_revisions()
    await live.aclose()
    follow_revisions()
    socket = Socket(cast[ANALYST])
    revised = watch.current()._revised
    assert revised is not None
    await revised([socket])
    assert socket.order[0] == "cut"
