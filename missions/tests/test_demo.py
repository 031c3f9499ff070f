"""The demo as it is in the database: whole, allowed, and in the past."""

import datetime as dt

import pytest
from django.utils import timezone

from agents.models import Agent
from agents.roles import Clearance
from missions import demo, demo_log, history, selectors
from missions.models import Mission, Receipt, Update
from missions.protocol import Kind

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def seeded() -> None:
    """The demo."""
    assert not demo.seeded()
    demo.seed()
    assert demo.seeded()


def person(username: str) -> Agent:
    """A demo agent."""
    return Agent.objects.get(username=username)


def test_every_demo_agent_is_marked_as_one() -> None:
    """So that a production start can refuse them."""
    assert Agent.objects.filter(is_demo=True).count() == Agent.objects.count() == 6
    assert all(agent.check_password(demo_log.PASSWORD) for agent in Agent.objects.all())


def test_the_log_has_every_kind_and_every_classification() -> None:
    """Some forty updates, some for certain roles, some to be acknowledged."""
    assert Update.objects.count() == sum(map(len, demo_log.LOGS.values())) == 40
    assert set(Update.objects.values_list("kind", flat=True)) == {kind.value for kind in Kind}
    assert set(Update.objects.values_list("classification", flat=True)) == set(Clearance)
    assert Update.objects.filter(requires_ack=True).count() > 5
    assert Update.objects.exclude(roles=0).count() > 5


def test_the_log_lies_in_the_past_in_its_order() -> None:
    """Within two days; no receipt is older than its update."""
    now = timezone.now()
    for mission in Mission.objects.all():
        times = [update.created_at for update in mission.updates.order_by("position")]
        assert times == sorted(times)
        assert now - dt.timedelta(days=2) < times[0] < times[-1] < now
    for receipt in Receipt.objects.select_related("update"):
        assert receipt.update.created_at < receipt.at < now


def test_each_demo_agent_sees_something_else() -> None:
    """The outsider sees nothing, the director all, everybody without a hole."""
    seen = {}
    for who in demo_log.PEOPLE:
        agent = person(who.username)
        pages = [
            history.page(agent, mission.pk, limit=200)
            for mission in selectors.visible_missions(agent)
        ]
        for page in pages:
            assert [one.seq for one in page.updates] == list(range(1, page.seq + 1))
        seen[who.username] = sum(page.seq for page in pages)
    assert seen["outsider"] == 0
    assert seen["director"] == 40
    assert 40 > seen["analyst"] > seen["heron"] > seen["wren"] > 0


def test_a_mission_of_each_state_is_there() -> None:
    """Planned, active and closed."""
    states = set(Mission.objects.values_list("status", flat=True))
    assert states == {"planned", "active", "completed"}
