"""`manage.py seed_demo`."""

from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from pytest_django.fixtures import Settings

from agents.accounts import create_agent
from agents.models import Agent
from agents.roles import Clearance, Role
from missions.demo_log import PEOPLE
from missions.models import Mission, Update

pytestmark = pytest.mark.django_db


def seed() -> str:
    """What the command printed."""
    out = StringIO()
    call_command("seed_demo", stdout=out)
    return out.getvalue()


def test_it_prints_who_may_log_in() -> None:
    """A row each: username, password, codename, role, clearance."""
    rows = [line.split() for line in seed().splitlines()]
    assert rows[0] == ["USERNAME", "PASSWORD", "CODENAME", "ROLE", "CLEARANCE"]
    assert rows[2] == ["handler", "demo-room-2026", "Keel", "handler", "secret"]
    assert [row[0] for row in rows[1:]] == [person.username for person in PEOPLE]


def test_a_second_run_changes_nothing_and_asks_once() -> None:
    """The same table after one query, so that a second start stays fast."""
    first = seed()
    written = set(Update.objects.values_list("id", flat=True))
    with CaptureQueriesContext(connection) as queries:
        assert seed() == first
    assert len(queries) == 1
    assert set(Update.objects.values_list("id", flat=True)) == written


def test_it_is_refused_in_production(settings: Settings) -> None:
    """With a sentence, and nothing is written."""
    settings.HQ_DEVELOPMENT = False
    with pytest.raises(CommandError, match="HQ_DEBUG=1"):
        seed()
    assert not Agent.objects.exists()


def test_it_writes_nothing_beside_somebody_of_the_same_name() -> None:
    """With a sentence that says what to do."""
    create_agent("wren", codename="Other", role=Role.ANALYST, clearance=Clearance.SECRET)
    with pytest.raises(CommandError, match=r"username exists already.*rename"):
        seed()
    assert Agent.objects.count() == 1
    assert not Mission.objects.exists()
