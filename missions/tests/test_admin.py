"""Missions in the admin: to look at, and only what the staff agent may see."""

import pytest
from django.contrib.admin import site
from django.test import RequestFactory

from agents.models import Agent
from missions.admin import MissionAdmin
from missions.models import Mission
from missions.tests.conftest import Cast
from tests.cast import ANALYST, DIRECTOR, HANDLER, NOVICE, OPERATIVE, OUTSIDER, Member


@pytest.fixture
def missions() -> MissionAdmin:
    """The admin's page of missions."""
    found = site.get_model_admin(Mission)
    assert isinstance(found, MissionAdmin)
    return found


def superuser(cast: Cast, member: Member) -> Agent:
    """That one of the cast, with every right of the admin."""
    agent = cast[member]
    agent.is_staff = agent.is_superuser = True
    agent.save()
    return agent


@pytest.mark.parametrize(
    ("member", "seen"),
    [(DIRECTOR, 1), (HANDLER, 1), (ANALYST, 1), (OPERATIVE, 1), (NOVICE, 0), (OUTSIDER, 0)],
)
def test_even_a_superuser_finds_only_what_it_may_enter(
    cast: Cast, mission: Mission, missions: MissionAdmin, member: Member, seen: int
) -> None:
    """The lists, the counts and the page of one mission go through the same rule."""
    request = RequestFactory().get("/admin/")
    request.user = superuser(cast, member)
    assert missions.get_queryset(request).count() == seen
    assert (missions.get_object(request, str(mission.pk)) is not None) is bool(seen)


def test_nothing_is_changed_there(cast: Cast, mission: Mission, missions: MissionAdmin) -> None:
    """A superuser looks, and neither adds, changes nor deletes."""
    request = RequestFactory().get("/admin/")
    request.user = superuser(cast, DIRECTOR)
    assert missions.has_view_permission(request, mission)
    assert not missions.has_add_permission(request)
    assert not missions.has_change_permission(request, mission)
    assert not missions.has_delete_permission(request, mission)


def test_nobody_without_an_account_finds_anything(mission: Mission, missions: MissionAdmin) -> None:
    """An anonymous request has an empty list."""
    request = RequestFactory().get("/admin/")
    from django.contrib.auth.models import AnonymousUser

    request.user = AnonymousUser()
    assert not missions.get_queryset(request).exists()


def test_a_page_shows_members_without_their_clearance(
    mission: Mission, missions: MissionAdmin
) -> None:
    """Codename and role."""
    shown = missions.members(mission)
    assert shown.split(", ")[0] == f"{OPERATIVE.codename} (field-operative)"
    assert "secret" not in shown


def test_a_mission_is_named_by_its_id(mission: Mission) -> None:
    """So that the admin's own log tells nobody a codename."""
    assert str(mission) == str(mission.pk)
