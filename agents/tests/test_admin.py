"""Accounts in the admin: who may do what, through which door, and what the log keeps."""

from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client
from django.urls import reverse

from agents.admin.accounts import drawn_of
from agents.enrolment import enrolled
from agents.logins import log_in
from agents.models import Agent, AuditEvent, Ticket
from agents.roles import Clearance, Role
from agents.sessions import check_access, issue_pair, open_session
from agents.tests.authenticator import enrol
from agents.tests.conftest import PASSWORD, MakeAgent
from agents.tickets import issue_ticket

pytestmark = pytest.mark.django_db

LIST = reverse("admin:agents_agent_changelist")
ADD = reverse("admin:agents_agent_add")


@pytest.fixture
def handler(make_agent: MakeAgent) -> Agent:
    """Staff: a handler cleared for secret."""
    return make_agent("harriet", role=Role.HANDLER, clearance=Clearance.SECRET, is_staff=True)


@pytest.fixture
def pages(handler: Agent) -> Client:
    """The admin as the handler has it."""
    client = Client()
    assert client.login(username="harriet", password=PASSWORD)
    return client


def change(agent: Agent) -> str:
    """The address of an account's page."""
    return reverse("admin:agents_agent_change", args=[agent.pk])


def said(agent: Agent, **changes: Any) -> dict[str, Any]:
    """The form of an account as it is, with changes; False leaves a box empty."""
    form = {
        "username": agent.username,
        "codename": agent.codename,
        "role": agent.role,
        "clearance": agent.clearance,
        "is_active": agent.is_active,
        "is_staff": agent.is_staff,
        "is_superuser": agent.is_superuser,
        "drawn": drawn_of(Agent.objects.get(pk=agent.pk)),
    } | changes
    return {name: value for name, value in form.items() if value is not False}


def new(**changes: Any) -> dict[str, Any]:
    """The form of a new account."""
    return {
        "username": "newcomer",
        "codename": "Newcomer",
        "usable_password": "true",
        "password1": PASSWORD,
        "password2": PASSWORD,
        "role": "analyst",
        "clearance": 2,
    } | changes


def test_the_list_filters_by_role_and_clearance(
    pages: Client, agent: Agent, make_agent: MakeAgent
) -> None:
    """And finds by name."""
    make_agent("olga", role=Role.FIELD_OPERATIVE, clearance=Clearance.RESTRICTED)
    for query, names in (
        ("", {"ada", "harriet", "olga"}),
        ("?role__exact=analyst", {"ada"}),
        ("?clearance__exact=1", {"olga"}),
        ("?q=ada", {"ada"}),
    ):
        shown = pages.get(LIST + query).context["cl"].result_list
        assert {one.username for one in shown} == names


def test_an_agent_who_is_no_staff_sees_nothing_of_it(agent: Agent) -> None:
    """The login page instead."""
    client = Client()
    client.force_login(agent)
    for page in (LIST, ADD, change(agent)):
        assert client.get(page).status_code == 302


def test_a_change_of_access_goes_through_accounts_and_into_the_log(
    pages: Client, agent: Agent
) -> None:
    """The value before and the value after."""
    form = said(agent, role="handler", clearance=1, codename="Renamed")
    assert pages.post(change(agent), form).status_code == 302
    agent.refresh_from_db()
    assert (agent.role, agent.clearance, agent.codename) == ("handler", 1, "Renamed")
    assert agent.access_revision == 2
    logged = LogEntry.objects.get().get_change_message()
    assert "role: analyst to handler" in logged
    assert "clearance: 3 to 1" in logged


def test_disabling_in_the_admin_ends_the_sessions(pages: Client, agent: Agent) -> None:
    """As anywhere else."""
    session = open_session(agent)
    assert pages.post(change(agent), said(agent, is_active=False)).status_code == 302
    session.refresh_from_db()
    assert session.ended_reason == "disabled"
    assert "is_active: True to False" in LogEntry.objects.get().get_change_message()


def test_a_new_account_can_log_in(pages: Client) -> None:
    """With what was typed, and nothing more."""
    assert pages.post(ADD, new()).status_code == 302
    agent = log_in("newcomer", PASSWORD).agent
    assert (agent.role, agent.clearance, agent.is_staff) == ("analyst", 2, False)


@pytest.mark.parametrize(
    ("field", "value"),
    [("role", "director"), ("clearance", 4), ("is_superuser", "on")],
)
def test_nobody_is_made_or_raised_above_who_does_it(
    pages: Client, handler: Agent, agent: Agent, field: str, value: Any
) -> None:
    """A new account, an existing one, one's own: the field says so."""
    for page, form in (
        (ADD, new(**{field: value})),
        (change(agent), said(agent, **{field: value})),
        (change(handler), said(handler, **{field: value})),
    ):
        response = pages.post(page, form)
        assert response.status_code == 200
        assert field in response.context["adminform"].form.errors
    assert not Agent.objects.filter(**{field: True if value == "on" else value}).exists()


@pytest.mark.parametrize(
    "above",
    [{"role": Role.DIRECTOR}, {"clearance": Clearance.TOP_SECRET}, {"is_superuser": True}],
)
def test_an_account_above_ones_own_can_be_seen_and_not_touched(
    pages: Client, make_agent: MakeAgent, above: dict[str, Any]
) -> None:
    """Neither changed, nor given a password, nor logged out."""
    boss = make_agent("boss", **above)
    session = open_session(boss)
    assert pages.get(change(boss)).status_code == 200
    assert pages.post(change(boss), said(boss, codename="x")).status_code == 403
    password = reverse("admin:auth_user_password_change", args=[boss.pk])
    assert pages.get(password).status_code == 403
    action = {"action": "end_sessions", "_selected_action": [str(boss.pk)]}
    assert b"stand above you" in pages.post(LIST, action, follow=True).content
    boss.refresh_from_db()
    session.refresh_from_db()
    assert (boss.codename, session.ended_at) == ("boss the agent", None)


def test_accounts_and_sessions_are_not_deleted(pages: Client, agent: Agent) -> None:
    """History keeps its authors: accounts are disabled."""
    session = open_session(agent)
    for page in (
        reverse("admin:agents_agent_delete", args=[agent.pk]),
        reverse("admin:agents_session_delete", args=[session.pk]),
    ):
        assert pages.post(page, {"post": "yes"}).status_code == 403
    assert b"delete_selected" not in pages.get(LIST).content


def test_no_page_shows_a_password_or_a_token(pages: Client, agent: Agent) -> None:
    """Nothing of the hash, no token, no digest; tickets have no page at all."""
    session = open_session(agent)
    pair = issue_pair(session)
    value, _ = issue_ticket(check_access(pair.access))
    digest = Ticket.objects.get().digest
    shown = b"".join(
        pages.get(page).content
        for page in (
            LIST,
            change(agent),
            reverse("admin:agents_session_changelist"),
            reverse("admin:agents_session_change", args=[session.pk]),
            reverse("admin:index"),
        )
    ).decode()
    for secret in (agent.password, agent.password[-12:], pair.access, pair.refresh, value, digest):
        assert secret not in shown
    assert "eyJ" not in shown
    assert "icket" not in shown


def test_a_password_set_by_staff_ends_the_sessions(pages: Client, agent: Agent) -> None:
    """The page is linked from the account's."""
    session = open_session(agent)
    assert b"../password/" in pages.get(change(agent)).content
    page = reverse("admin:auth_user_password_change", args=[agent.pk])
    password = "another long one"
    form = {"usable_password": "true", "password1": password, "password2": password}
    assert pages.post(page, form).status_code == 302
    session.refresh_from_db()
    assert session.ended_reason == "password_reset"
    assert log_in("ada", password)


def test_staff_can_log_an_agent_out(pages: Client, agent: Agent) -> None:
    """All sessions from the list of agents, one from the list of sessions."""
    first, second, third = (open_session(agent) for _ in range(3))
    page = reverse("admin:agents_session_changelist")
    assert pages.get(page).status_code == 200
    pages.post(page, {"action": "end", "_selected_action": [str(first.pk)]})
    assert set(agent.sessions.filter(ended_at=None)) == {second, third}
    pages.post(LIST, {"action": "end_sessions", "_selected_action": [str(agent.pk)]})
    assert not agent.sessions.filter(ended_at=None).exists()


def test_a_disabled_member_of_staff_is_out_at_the_next_click(pages: Client, handler: Agent) -> None:
    """The admin reads the account at every request."""
    assert pages.get(LIST).status_code == 200
    Agent.objects.filter(pk=handler.pk).update(is_active=False)
    assert pages.get(LIST).status_code == 302


def rows(subject: Agent) -> list[tuple[str, Any]]:
    """What the audit log has about an agent since it was made, and by whom."""
    found = AuditEvent.objects.filter(subject=subject.pk).exclude(event="session_created")
    return [(row.event, row.actor) for row in found.order_by("number")]


def test_what_staff_do_to_an_account_is_in_the_audit_log(
    pages: Client, handler: Agent, agent: Agent
) -> None:
    """Each change by whom and from where, in one row; a form saved as it was writes none."""
    pages.post(ADD, new())
    made = Agent.objects.get(username="newcomer")
    assert rows(made) == [("user_created", handler.pk)]
    pages.post(change(agent), said(agent))
    assert rows(agent) == []
    pages.post(change(agent), said(agent, role="handler", codename="Renamed", is_staff="on"))
    assert rows(agent) == [("privilege_permissions_changed", handler.pk)] * 2
    access, rights = AuditEvent.objects.filter(subject=agent.pk).order_by("number")
    assert access.details == {"changes": {"role": ["analyst", "handler"]}}
    assert rights.details == {
        "changes": {"codename": ["ada the agent", "Renamed"], "is_staff": [False, True]}
    }
    assert rights.address == "127.0.0.1"


def test_a_password_reset_and_a_logout_by_staff_are_audited(
    pages: Client, handler: Agent, agent: Agent
) -> None:
    """By whom it was, not as if the agent had done it."""
    open_session(agent)
    form = {"usable_password": "true", "password1": "a long new one", "password2": "a long new one"}
    pages.post(reverse("admin:auth_user_password_change", args=[agent.pk]), form)
    open_session(agent)
    pages.post(LIST, {"action": "end_sessions", "_selected_action": [str(agent.pk)]})
    assert rows(agent) == [
        ("session_ended", handler.pk),
        ("authn_password_change", handler.pk),
        ("session_ended", handler.pk),
    ]


def test_a_lost_second_factor_is_removed_by_staff(
    pages: Client, handler: Agent, agent: Agent, make_agent: MakeAgent
) -> None:
    """Of those within the own rank, with the end of their sessions; never one's own."""
    boss = make_agent("boss", role=Role.DIRECTOR)
    for one in (agent, boss):
        enrol(one)
    pages.force_login(handler)
    chosen = [str(one.pk) for one in (agent, boss, handler)]
    action = {"action": "remove_second_factor", "_selected_action": chosen}
    page = pages.post(LIST, action, follow=True).content.decode()
    assert "Removed 1 second factor(s)" in page
    assert "1 left as they are" in page
    assert (enrolled(agent), enrolled(boss)) == (False, True)
    assert not agent.sessions.filter(ended_at=None).exists()
    assert handler.sessions.filter(ended_at=None).exists()
    assert handler.pk in {actor for _, actor in rows(agent)}
