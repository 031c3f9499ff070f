"""What refusals of the admin leave in the security log."""

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from agents.models import Agent
from agents.notebook import Notebook
from agents.roles import Clearance, Role
from agents.tests.conftest import PASSWORD, MakeAgent
from agents.tests.test_admin import ADD, LIST, change, handler, new, pages, said

pytestmark = pytest.mark.django_db
__all__ = ["handler", "pages"]

CHANGE_ROUTE = "/admin/agents/agent/<path:object_id>/change/"


@pytest.fixture
def boss(make_agent: MakeAgent) -> Agent:
    """Somebody above the handler."""
    return make_agent("boss", role=Role.DIRECTOR, clearance=Clearance.TOP_SECRET)


def noted(book: Notebook) -> list[tuple[Any, ...]]:
    """Event, reason, who it was and who was meant; nothing that was typed."""
    entries = book._take(everything=True)
    assert PASSWORD not in str(entries)
    assert all(entry.address == "127.0.0.1" for entry in entries)
    return [(one.event, one.details["reason"], one.actor, one.subject) for one in entries]


def test_a_change_above_the_own_rank_is_noted(
    pages: Client, handler: Agent, boss: Agent, own_notebook: Notebook
) -> None:
    """The change itself, a new password, and what an action left as it was."""
    secret = {
        "usable_password": "true",
        "password1": "a long new one",
        "password2": "a long new one",
    }
    reset = reverse("admin:auth_user_password_change", args=[boss.pk])
    assert pages.post(change(boss), said(boss, clearance=1)).status_code == 403
    assert pages.post(reset, secret).status_code == 403
    pages.post(LIST, {"action": "end_sessions", "_selected_action": [str(boss.pk)]})
    reset_route = "/admin/agents/agent/<id>/password/"
    assert noted(own_notebook) == [
        ("authz_fail", f"forbidden POST {CHANGE_ROUTE}", handler.pk, boss.pk),
        ("authz_fail", f"forbidden POST {reset_route}", handler.pk, boss.pk),
        ("authz_fail", "forbidden end_sessions POST /admin/agents/agent/", handler.pk, handler.pk),
    ]


def test_a_form_that_would_raise_rights_is_noted(
    pages: Client, handler: Agent, own_notebook: Notebook
) -> None:
    """One's own, or a new account beyond them: by the names of the fields."""
    pages.post(change(handler), said(handler, role="director", is_superuser="on"))
    pages.post(ADD, new(clearance=4))
    own = f"exceeds_own role is_superuser POST {CHANGE_ROUTE}"
    assert noted(own_notebook) == [
        ("authz_fail", own, handler.pk, handler.pk),
        ("authz_fail", "exceeds_own clearance POST /admin/agents/agent/add/", *[handler.pk] * 2),
    ]


def test_a_form_without_its_token_is_noted(
    handler: Agent, agent: Agent, own_notebook: Notebook
) -> None:
    """Of who is in, and of nobody at the login."""
    client = Client(enforce_csrf_checks=True)
    client.force_login(handler)
    assert client.post(change(agent), said(agent)).status_code == 403
    login = {"username": "harriet", "password": PASSWORD}
    assert Client(enforce_csrf_checks=True).post(reverse("admin:login"), login).status_code == 403
    assert noted(own_notebook) == [
        ("authz_fail", f"csrf_failed POST {CHANGE_ROUTE}", handler.pk, agent.pk),
        ("authz_fail", "csrf_failed POST /admin/login/", None, None),
    ]


def test_what_is_allowed_leaves_no_refusal(
    pages: Client, agent: Agent, own_notebook: Notebook
) -> None:
    """Nor does a page that is not there."""
    assert pages.post(change(agent), said(agent, codename="Renamed")).status_code == 302
    assert pages.get("/admin/nothing/").status_code == 404
    assert noted(own_notebook) == []
