"""The faults of the database that other tests rely on."""

import pytest
from django.db import IntegrityError, OperationalError, connection

from agents import threads
from agents.models import Agent
from tests import database_faults

pytestmark = pytest.mark.django_db(transaction=True)

AGENTS = 'FROM "agents_agent"'


def test_a_query_fails_as_often_as_is_asked_and_no_other_does() -> None:
    """As if the driver had said so: the connection counts as failed."""
    connection.ensure_connection()
    with database_faults.failing(AGENTS, IntegrityError, times=1) as agents:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
        with pytest.raises(IntegrityError):
            Agent.objects.count()
        assert Agent.objects.count() == 0
    assert agents.met == 2
    with database_faults.failing(), pytest.raises(OperationalError):
        Agent.objects.count()
    assert connection.errors_occurred
    assert Agent.objects.count() == 0


def test_something_happens_around_a_query_once() -> None:
    """Before it is asked, after it was answered; nothing when it failed."""
    happened: list[str] = []
    with (
        database_faults.when_asked(AGENTS, lambda: happened.append("asked")),
        database_faults.when_answered(AGENTS, lambda: happened.append("answered")),
        database_faults.recorded(AGENTS) as said,
    ):
        for _ in range(2):
            Agent.objects.count()
        with database_faults.failing(error=ZeroDivisionError), pytest.raises(ZeroDivisionError):
            Agent.objects.count()
    assert happened == ["asked", "answered"]
    assert len(said) == 3


async def test_a_query_of_any_thread_counts() -> None:
    """Also on a connection that was open before."""
    await threads.in_watch_thread(Agent.objects.count)
    with database_faults.failing(AGENTS):
        for run in (threads.in_watch_thread, threads.in_command_thread):
            with pytest.raises(OperationalError):
                await run(Agent.objects.count)
    assert await threads.in_watch_thread(Agent.objects.count) == 0
