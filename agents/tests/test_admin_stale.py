"""A page of an account that was loaded before somebody else changed the account."""

from collections.abc import Callable

import pytest
from django.core.management import call_command
from django.test import Client

from agents.models import Agent
from agents.tests.conftest import MakeAgent
from agents.tests.test_admin import change, handler, pages, said

pytestmark = pytest.mark.django_db
__all__ = ["handler", "pages"]

Meanwhile = Callable[[Agent], object]

CHANGES: dict[str, Meanwhile] = {
    "disabled": lambda agent: call_command("set_access", agent.username, "--disable"),
    "lowered": lambda agent: call_command(
        "set_access", agent.username, "--clearance", "restricted"
    ),
    "no staff": lambda agent: Agent.objects.filter(pk=agent.pk).update(is_staff=False),
    "renamed": lambda agent: Agent.objects.filter(pk=agent.pk).update(codename="Somebody"),
    "to and fro": lambda agent: [
        call_command("set_access", agent.username, "--role", role)
        for role in ("handler", "analyst")
    ],
}


@pytest.mark.parametrize("meanwhile", CHANGES.values(), ids=CHANGES.keys())
def test_a_stale_page_takes_no_change_back(
    pages: Client, make_agent: MakeAgent, meanwhile: Meanwhile
) -> None:
    """It is refused with a sentence that says what to do, and saves nothing of itself."""
    agent = make_agent("ada", is_staff=True)
    page = pages.get(change(agent))
    drawn = page.context["adminform"].form.initial["drawn"]
    assert f'name="drawn" value="{drawn}"' in page.content.decode()
    form = said(agent, codename="Renamed", drawn=drawn)
    meanwhile(agent)
    kept = Agent.objects.filter(pk=agent.pk).values().get()
    answer = pages.post(change(agent), form)
    assert answer.status_code == 200
    assert "was changed after the page was loaded" in answer.content.decode()
    assert Agent.objects.filter(pk=agent.pk).values().get() == kept
    agent.refresh_from_db()
    assert pages.post(change(agent), said(agent, codename="Renamed")).status_code == 302
    assert Agent.objects.get(pk=agent.pk).is_active == kept["is_active"]


def test_a_page_that_does_not_say_what_it_showed_is_refused(pages: Client, agent: Agent) -> None:
    """A form made by hand could be of any age."""
    form = said(agent, codename="Renamed")
    del form["drawn"]
    assert pages.post(change(agent), form).status_code == 200
    agent.refresh_from_db()
    assert agent.codename == "ada the agent"
