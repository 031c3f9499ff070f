"""Logins to the admin are sessions: opened, checked at every request, ended like all others."""

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest
from axes.models import AccessFailureLog
from django.conf import settings as configured
from django.contrib.sessions.models import Session as DjangoSession
from django.http import HttpRequest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries
from pytest_django.fixtures import Settings

from agents import accounts, admin_sessions, sessions
from agents.errors import TokenInvalid
from agents.models import Agent, AuditEvent, Session
from agents.notebook import Notebook
from agents.roles import Clearance, Role
from agents.sessions import open_session
from agents.tests.authenticator import enrol
from agents.tests.conftest import PASSWORD, MakeAgent
from agents.tests.test_logins import changed_password, while_verifying
from tests import database_faults

pytestmark = pytest.mark.django_db

LIST = reverse("admin:agents_agent_changelist")
LOGIN = reverse("admin:login")
COOKIE = configured.SESSION_COOKIE_NAME
LOGOUT = reverse("admin:logout")


@pytest.fixture
def staff(make_agent: MakeAgent) -> Agent:
    """A handler who is staff."""
    return make_agent("harriet", role=Role.HANDLER, is_staff=True)


def entered(username: str = "harriet", **more: Any) -> Client:
    """A browser that logged in by the form."""
    client = Client(headers={"user-agent": "A browser"}, REMOTE_ADDR="192.0.2.7")
    form = {"username": username, "password": PASSWORD, **more}
    assert client.post(LOGIN, form).status_code == 302
    return client


def is_in(client: Client) -> bool:
    """Whether the admin still lets it in; if not, it leads to the login."""
    response = client.get(LIST)
    assert response.status_code == 200 or response["Location"].startswith(LOGIN)
    return bool(response.status_code == 200)


def own(agent: Agent) -> Session:
    """The one session that stands."""
    return Session.objects.get(agent=agent, ended_at=None)


def test_a_login_opens_a_session_of_its_own_kind(staff: Agent) -> None:
    """It says from where and with what, lasts eight hours, and is in the audit log as a login."""
    assert is_in(entered())
    session = own(staff)
    assert (session.kind, session.address, session.user_agent) == (
        "admin",
        "192.0.2.7",
        "A browser",
    )
    left = session.expires_at - timezone.now()
    assert dt.timedelta(hours=7, minutes=59) < left <= dt.timedelta(hours=8)
    row = AuditEvent.objects.get(event="authn_login_success")
    assert (row.actor, row.session, row.address) == (staff.pk, session.pk, "192.0.2.7")
    assert row.details == {"factor": "none"}
    staff.refresh_from_db()
    assert staff.last_login is not None


def test_it_opens_nothing_but_the_admin(staff: Agent) -> None:
    """No token can be made of it, and it stands for nobody over the API."""
    entered()
    with pytest.raises(ValueError, match="not refreshed"):
        sessions.issue_pair(own(staff))
    with pytest.raises(TokenInvalid):
        sessions.standing_session(own(staff).pk)


ENDS: dict[str, Callable[[Agent, Session], object]] = {
    "ended by an administrator": lambda agent, one: sessions.end_session(one.pk, "administrator"),
    "all sessions ended": lambda agent, one: sessions.end_sessions(agent.pk, reason="logout"),
    "password reset": lambda agent, one: accounts.save_password(agent),
    "second factor set": lambda agent, one: enrol(agent),
    "disabled": lambda agent, one: accounts.set_access(agent.pk, is_active=False),
    "expired": lambda agent, one: change(one, expires_at=timezone.now()),
    "row gone": lambda agent, one: one.delete(),
    "staff no more": lambda agent, one: change(agent, is_staff=False),
    "disabled past everything": lambda agent, one: change(agent, is_active=False),
    "password set past everything": lambda agent, one: change(agent, password="another"),
}


def change(row: Agent | Session, **fields: Any) -> None:
    """Writes these fields, past every rule."""
    type(row)._default_manager.filter(pk=row.pk).update(**fields)


@pytest.mark.parametrize("end", ENDS)
def test_whatever_ends_it_the_next_click_is_refused(
    staff: Agent, make_agent: MakeAgent, end: str
) -> None:
    """And what Django kept is gone; somebody else's session goes on."""
    make_agent("other", is_staff=True)
    client, other = entered(), entered("other")
    assert is_in(client)
    session = own(staff)
    ENDS[end](staff, session)
    assert not is_in(client)
    assert is_in(other)
    assert DjangoSession.objects.count() == 1


def test_logging_out_ends_the_row(staff: Agent) -> None:
    """The cookie that somebody copied before is worth nothing, and the browser forgets the site."""
    client, thief = entered(), Client()
    thief.cookies[COOKIE] = client.cookies[COOKIE].value
    assert is_in(thief)
    session = own(staff)
    response = client.post(LOGOUT)
    assert response["Clear-Site-Data"] == '"cache", "storage"'
    session.refresh_from_db()
    assert (session.ended_reason, session.ended_at is None) == ("logout", False)
    row = AuditEvent.objects.get(event="session_ended")
    assert (row.actor, row.details["reason"]) == (staff.pk, "logout")
    assert not is_in(thief)
    assert not is_in(client)


def test_a_login_over_another_ends_it(staff: Agent, make_agent: MakeAgent) -> None:
    """The same agent's or another's; the cookie is a new one."""
    make_agent("other", is_staff=True)
    client = entered()
    first, cookie = own(staff), client.cookies[COOKIE].value
    client.post(LOGIN, {"username": "harriet", "password": PASSWORD})
    second = own(staff)
    assert (second != first, client.cookies[COOKIE].value != cookie) == (True, True)
    client.post(LOGIN, {"username": "other", "password": PASSWORD})
    assert not staff.sessions.filter(ended_at=None).exists()
    assert is_in(client)


def test_a_session_of_another_kind_opens_no_admin(staff: Agent) -> None:
    """Whatever id Django's session was made to hold."""
    client = entered()
    for session in (open_session(staff), open_session(staff, kind=Session.Kind.SERVICE)):
        kept = client.session
        kept[admin_sessions.SESSION_ID] = str(session.pk)
        kept.save()
        assert not is_in(client)
        client = entered()


def test_djangos_own_login_is_worth_nothing_without_a_row(staff: Agent) -> None:
    """A session that names an agent and no row of ours is thrown away."""
    client = entered()
    kept = client.session
    del kept[admin_sessions.SESSION_ID]
    kept.save()
    assert not is_in(client)
    assert not DjangoSession.objects.exists()


def test_a_request_costs_one_query_for_all_of_it(
    staff: Agent, settings: Settings, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    """Session, agent and second factor, beside Django's own session."""
    client = entered()
    settings.HQ_DEVELOPMENT = False
    request = HttpRequest()
    request.session = client.session
    request.session.get("x")
    with django_assert_num_queries(1):
        found = admin_sessions.entered(request)
        assert found is not None
        assert found.session.agent == admin_sessions.caller(request).agent == staff
        assert found.must_enrol
        assert admin_sessions.entered(request) is found


def test_nobody_has_no_rights_and_costs_nothing(
    db: None, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    """A request without a cookie asks nothing of the database."""
    request = HttpRequest()
    request.session = Client().session
    with django_assert_num_queries(0):
        assert admin_sessions.entered(request) is None
    with pytest.raises(TypeError):
        admin_sessions.caller(request)


def test_a_password_that_changed_while_it_was_verified_does_not_get_in(
    staff: Agent, own_notebook: Notebook, settings: Settings
) -> None:
    """No session of the admin, the attempt has failed, and the log says so."""
    while_verifying(settings, lambda: changed_password(staff))
    client = Client(REMOTE_ADDR="192.0.2.7")
    form = {"username": "harriet", "password": PASSWORD}
    assert client.post(LOGIN, form)["Location"].startswith(LOGIN)
    assert not Session.objects.exists()
    assert not is_in(client)
    assert AccessFailureLog.objects.filter(path_info="").count() == 1
    assert [one.event for one in own_notebook._take(everything=True)] == ["authn_login_fail"]


def test_an_agent_who_was_disabled_at_that_moment_does_not_get_in(staff: Agent) -> None:
    """The password was right, and the session is refused."""
    client = Client()
    second_factor = 'FROM "otp_totp_totpdevice"'
    with database_faults.when_answered(second_factor, lambda: change(staff, is_active=False)):
        response = client.post(LOGIN, {"username": "harriet", "password": PASSWORD})
    assert response["Location"] == LOGIN
    assert not is_in(client)


def test_a_lowered_clearance_counts_from_the_next_click(
    staff: Agent, make_agent: MakeAgent
) -> None:
    """Rights are read with every request; the session goes on."""
    above = make_agent("sec", clearance=Clearance.SECRET)
    page = reverse("admin:agents_agent_change", args=[above.pk])
    client = entered()
    assert client.get(page).context["has_change_permission"]
    accounts.set_access(staff.pk, clearance=Clearance.RESTRICTED)
    assert not client.get(page).context["has_change_permission"]
