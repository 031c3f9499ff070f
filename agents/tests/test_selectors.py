"""Reads of accounts."""

import pytest

from agents.errors import NotFound
from agents.models import Agent
from agents.protocol import AgentObject
from agents.selectors import agent_named, agent_object
from agents.tests.conftest import MakeAgent

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("username", ["ada", "Ada", "ADA"])
def test_an_agent_is_found_by_its_username_in_any_case(agent: Agent, username: str) -> None:
    """Accounts cannot differ by case alone."""
    assert agent_named(username) == agent


@pytest.mark.parametrize("username", ["", "ad", "ada ", "%", "adá"])
def test_nothing_but_the_whole_username_finds_it(agent: Agent, username: str) -> None:
    """No pattern, no prefix."""
    with pytest.raises(NotFound):
        agent_named(username)


def test_a_disabled_agent_is_found_too(make_agent: MakeAgent) -> None:
    """Who asks decides what that means."""
    disabled = make_agent("ada", is_active=False)
    assert agent_named("ada") == disabled


def test_an_agent_object_has_the_names_of_the_wire(agent: Agent) -> None:
    """Clearance by its name, the id as text."""
    assert agent_object(agent) == AgentObject(
        id=str(agent.id),
        username="ada",
        codename="ada the agent",
        role="analyst",
        clearance="secret",
    )
