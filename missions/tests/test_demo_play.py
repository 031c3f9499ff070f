"""The script of the live demo: everything in it is allowed, for ever."""

import itertools

import pytest
from django.utils import timezone

from agents.models import Agent
from agents.roles import Clearance
from missions import demo, demo_play, history, selectors, services
from missions.api.serializers import AnyNewUpdate
from missions.demo_log import LANTERN
from missions.models import Mission, Update

ROUND = len(demo_play.SCRIPT)


@pytest.mark.django_db
def test_every_line_is_accepted_from_the_one_who_says_it() -> None:
    """Two rounds of the script, read as the API reads them and published."""
    demo.seed()
    mission = Mission.objects.get(codename=LANTERN)
    people = {agent.username: agent for agent in Agent.objects.all()}
    for line in itertools.islice(demo_play.lines(), 2 * ROUND):
        reader = AnyNewUpdate(data=line.content)
        assert reader.is_valid(), (line, reader.errors)
        services.publish(people[line.username], mission.pk, reader.draft())
    seen = {
        name: history.page(people[name], mission.pk).seq for name in ("handler", "heron", "wren")
    }
    assert seen["handler"] > seen["heron"] > seen["wren"] > ROUND


def test_nothing_is_left_to_fill_in() -> None:
    """No brace of the script reaches the room, and a second round differs from the first."""
    said = [line.content["body"] for line in itertools.islice(demo_play.lines(), 2 * ROUND)]
    assert not [body for body in said if "{" in body or "}" in body]
    assert said[:ROUND] != said[ROUND:]


def test_positions_move() -> None:
    """Each one is somewhere else, in the same valley."""
    lines = itertools.islice(demo_play.lines(), 4 * ROUND)
    places = [line.content["data"] for line in lines if line.content["kind"] == "position"]
    assert len({(place["lat"], place["lon"]) for place in places}) == len(places)
    assert all(61 < place["lat"] < 62 and 8 < place["lon"] < 9 for place in places)


def test_the_script_is_for_several_eyes() -> None:
    """Some lines are for few: the room looks different to each."""
    contents = [line.content for line in itertools.islice(demo_play.lines(), ROUND)]
    assert {content.get("classification") for content in contents} >= {
        None,
        Clearance.CONFIDENTIAL.wire,
        Clearance.SECRET.wire,
    }
    assert any("roles" in content for content in contents)
    assert any(content.get("requires_ack") for content in contents)


@pytest.mark.django_db
def test_orders_are_acknowledged_in_time_but_one_in_a_while() -> None:
    """By all who must, within the script, by its own pace; not all: the room shows that too."""
    demo.seed()
    mission = Mission.objects.get(codename=LANTERN)
    people = {agent.username: agent for agent in Agent.objects.all()}
    open_before = set(selectors.awaiting_others(people["handler"], mission.pk))
    orders: list[Update] = []
    rounds = demo_play.LEFT_OPEN
    for line in itertools.islice(demo_play.lines(), rounds * ROUND):
        reader = AnyNewUpdate(data=line.content)
        assert reader.is_valid()
        if line.content.get("requires_ack"):
            orders.append(services.publish(people[line.username], mission.pk, reader.draft()))
        elif line.acknowledges:
            services.acknowledge(people[line.username], orders[-1].pk)
    Update.objects.filter(pk__in=[one.pk for one in orders]).update(ack_due_at=timezone.now())
    late = set(selectors.awaiting_others(people["handler"], mission.pk)) - open_before
    assert len(orders) == rounds
    assert late == {orders[-1]}


def test_nobody_at_the_address_is_gone() -> None:
    """An address where nobody listens."""
    player = demo_play.Player("http://127.0.0.1:1", "heron")
    with pytest.raises(demo_play.Gone):
        player.call("GET", "/api/missions")
