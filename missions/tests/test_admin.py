"""Missions in the admin: to look at, and only what the staff agent may see."""

import pytest
from django.contrib.admin import site
from django.test import Client
from django.urls import reverse

from agents.models import Agent
from missions.admin import MissionAdmin
from missions.models import Mission
from missions.tests.conftest import Cast
from tests.cast import ANALYST, DIRECTOR, HANDLER, NOVICE, OPERATIVE, OUTSIDER, Member

LIST = reverse("admin:missions_mission_changelist")


def pages(cast: Cast, member: Member, *, is_superuser: bool = False) -> Client:
    """The admin as that one of the cast has it, made staff."""
    Agent.objects.filter(pk=cast[member].pk).update(is_staff=True, is_superuser=is_superuser)
    client = Client()
    client.force_login(Agent.objects.get(pk=cast[member].pk))
    return client


def page_of(mission: Mission, name: str = "change") -> str:
    """The address of a mission's page."""
    return reverse(f"admin:missions_mission_{name}", args=[mission.pk])


@pytest.mark.parametrize("is_superuser", [False, True])
@pytest.mark.parametrize(
    ("member", "sees"),
    [
        (DIRECTOR, True),
        (HANDLER, True),
        (ANALYST, True),
        (OPERATIVE, True),
        (NOVICE, False),
        (OUTSIDER, False),
    ],
)
def test_staff_find_only_what_they_may_enter(
    cast: Cast, mission: Mission, member: Member, sees: bool, is_superuser: bool
) -> None:
    """The list, its count, a search and the page go by the one rule; a superuser's too."""
    client = pages(cast, member, is_superuser=is_superuser)
    for query in ("", "?q=lantern"):
        shown = client.get(LIST + query)
        assert shown.context["cl"].result_count == int(sees)
        assert (mission.codename in shown.content.decode()) is sees
    response = client.get(page_of(mission))
    assert response.status_code == (200 if sees else 302)
    assert (mission.objective in response.content.decode()) is sees


def test_nothing_is_changed_there(cast: Cast, mission: Mission) -> None:
    """Not by a superuser either."""
    client = pages(cast, DIRECTOR, is_superuser=True)
    assert client.get(reverse("admin:missions_mission_add")).status_code == 403
    for name in ("change", "delete"):
        said = {"post": "yes", "codename": "x"}
        assert client.post(page_of(mission, name), said).status_code == 403
    chosen = {"action": "delete_selected", "_selected_action": [str(mission.pk)], "post": "yes"}
    client.post(LIST, chosen)
    mission.refresh_from_db()
    assert mission.codename == "Cold Lantern"


def test_who_is_no_staff_is_led_to_the_login(cast: Cast, mission: Mission) -> None:
    """A member of the mission too."""
    client = Client()
    client.force_login(cast[HANDLER])
    assert client.get(LIST).status_code == client.get(page_of(mission)).status_code == 302


def test_a_page_shows_members_without_their_clearance(mission: Mission) -> None:
    """Codename and role."""
    page = site.get_model_admin(Mission)
    assert isinstance(page, MissionAdmin)
    shown = page.members(mission)
    assert shown.split(", ")[0] == f"{OPERATIVE.codename} (field-operative)"
    assert "secret" not in shown


def test_a_mission_is_named_by_its_id(cast: Cast, mission: Mission) -> None:
    """So that titles and the admin's own log tell nobody a codename."""
    assert str(mission) == str(mission.pk)
    assert f"<title>{mission.pk} |" in pages(cast, DIRECTOR).get(page_of(mission)).content.decode()
