"""A production start with an agent whose password is published."""

import pytest
from django.db import connection
from pytest_django.fixtures import Settings

from agents.accounts import set_access
from agents.selectors import demo_agents_problem
from agents.tests.conftest import MakeAgent

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def in_production(settings: Settings) -> None:
    """As without HQ_DEBUG."""
    settings.HQ_DEVELOPMENT = False


def test_an_active_demo_agent_stops_the_start(make_agent: MakeAgent) -> None:
    """The sentence names it, and the command that disables it."""
    make_agent("wren", is_demo=True)
    problem = demo_agents_problem()
    assert problem is not None
    assert "wren" in problem
    assert "set_access USERNAME --disable" in problem


def test_a_disabled_demo_agent_does_not(make_agent: MakeAgent) -> None:
    """What the sentence says to do is enough."""
    set_access(make_agent("wren", is_demo=True).pk, is_active=False)
    assert demo_agents_problem() is None


def test_agents_of_ones_own_do_not(make_agent: MakeAgent) -> None:
    """Only what `seed_demo` made counts."""
    make_agent("ada")
    assert demo_agents_problem() is None


def test_in_development_the_demo_is_welcome(make_agent: MakeAgent, settings: Settings) -> None:
    """Nothing is asked."""
    settings.HQ_DEVELOPMENT = True
    make_agent("wren", is_demo=True)
    assert demo_agents_problem() is None


def test_a_database_without_tables_is_said_so() -> None:
    """The sentence says how to make them."""
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE agents_agent RENAME TO agents_elsewhere")
    problem = demo_agents_problem()
    assert problem is not None
    assert "manage.py migrate" in problem
