"""Sessions and open sockets in the admin: who sees whose, and what is ended or disconnected."""

import datetime as dt
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from agents.accounts import set_access
from agents.models import Agent, AuditEvent, Connection, Session, Worker
from agents.roles import Clearance, Role
from agents.sessions import open_session
from agents.tests.conftest import MakeAgent

pytestmark = pytest.mark.django_db

SESSIONS = reverse("admin:agents_session_changelist")
CONNECTIONS = reverse("admin:agents_connection_changelist")


@pytest.fixture
def handler(make_agent: MakeAgent) -> Agent:
    """Staff: a handler cleared for secret."""
    return make_agent("harriet", role=Role.HANDLER, is_staff=True)


@pytest.fixture
def pages(handler: Agent) -> Client:
    """The admin as the handler has it."""
    client = Client()
    client.force_login(handler)
    return client


@pytest.fixture
def director(make_agent: MakeAgent) -> Agent:
    """Somebody above."""
    return make_agent("dora", role=Role.DIRECTOR, clearance=Clearance.TOP_SECRET)


def worker(*, alive: bool = True) -> Worker:
    """A worker, or one that died a moment ago."""
    now = timezone.now()
    lease = now + dt.timedelta(seconds=30 if alive else -1)
    return Worker.objects.create(started_at=now, lease_until=lease)


def connection(agent: Agent, session: Session | None = None, **fields: Any) -> Connection:
    """A socket of an agent's, by a session of its own unless another is given."""
    fields = {"worker": worker(), "session": session or open_session(agent)} | fields
    return Connection.objects.create(agent=agent, opened_at=timezone.now(), **fields)


def shown(pages: Client, page: str) -> set[Any]:
    """The rows that a list shows."""
    response = pages.get(page)
    assert response.status_code == 200
    return set(response.context["cl"].result_list)


def act(pages: Client, page: str, action: str, *rows: Any) -> str:
    """What the page says after an action on these rows."""
    chosen = {"action": action, "_selected_action": [str(row.pk) for row in rows]}
    return pages.post(page, chosen, follow=True).content.decode()


def standing(agent: Agent) -> set[Session]:
    """The agent's sessions that have not ended."""
    return set(agent.sessions.filter(ended_at=None))


def test_sessions_of_every_kind_are_listed_and_found(pages: Client, agent: Agent) -> None:
    """By state, kind, name of the agent, and name of the token."""
    login = open_session(agent)
    token = open_session(agent, kind=Session.Kind.SERVICE, name="pager bridge")
    over = open_session(agent)
    Session.objects.filter(pk=over.pk).update(ended_at=timezone.now(), ended_reason="logout")
    expired = open_session(agent)
    Session.objects.filter(pk=expired.pk).update(expires_at=timezone.now())
    own = Session.objects.get(kind="admin")
    assert shown(pages, SESSIONS) == {login, token, over, expired, own}
    for query, rows in (
        ("?state=standing", {login, token, own}),
        ("?state=over", {over, expired}),
        ("?kind__exact=service", {token}),
        ("?kind__exact=admin", {own}),
        ("?q=pager", {token}),
        ("?q=ada&state=standing", {login, token}),
        ("?q=nobody", set()),
    ):
        assert shown(pages, SESSIONS + query) == rows


def test_a_token_of_a_program_is_ended(pages: Client, handler: Agent, agent: Agent) -> None:
    """Alone; and the audit log says by whom, from where."""
    token = open_session(agent, kind=Session.Kind.SERVICE, name="pager bridge")
    login = open_session(agent)
    assert "Ended 1 session(s)" in act(pages, SESSIONS, "end", token)
    assert standing(agent) == {login}
    row = AuditEvent.objects.get(event="session_ended")
    assert (row.actor, row.subject, row.session, row.address) == (
        handler.pk,
        agent.pk,
        token.pk,
        "127.0.0.1",
    )
    assert row.details == {"reason": "administrator"}
    assert "Ended 0 session(s)" in act(pages, SESSIONS, "end", token)


def test_ending_the_own_session_logs_out(pages: Client, handler: Agent) -> None:
    """One stands within one's own rank."""
    act(pages, SESSIONS, "end", Session.objects.get(agent=handler))
    assert pages.get(SESSIONS).status_code == 302


def test_sockets_are_listed_by_state(pages: Client, agent: Agent) -> None:
    """Open now is only what is on a worker that lives."""
    opened = connection(agent, address="192.0.2.7")
    closed = connection(agent, closed_at=timezone.now(), close_code=4003)
    lost = connection(agent, worker=worker(alive=False))
    assert shown(pages, CONNECTIONS) == {opened, closed, lost}
    for query, rows in (
        ("?state=open", {opened}),
        ("?state=closed", {closed}),
        ("?state=lost", {lost}),
        ("?close_code=4003", {closed}),
        ("?q=192.0.2.7", {opened}),
        ("?q=nobody", set()),
    ):
        assert shown(pages, CONNECTIONS + query) == rows
    marked = pages.get(CONNECTIONS).content.decode()
    assert (marked.count("icon-yes"), marked.count("icon-no")) == (1, 2)


def test_a_socket_is_disconnected_and_its_session_stays(
    pages: Client, handler: Agent, agent: Agent
) -> None:
    """Only open ones are asked to close; each is in the audit log."""
    chosen, other = connection(agent), connection(agent)
    lost = connection(agent, worker=worker(alive=False))
    assert "Closing 1 connection(s)" in act(pages, CONNECTIONS, "disconnect", chosen, lost)
    assert set(Connection.objects.filter(disconnect_wanted=True)) == {chosen}
    assert other.session in standing(agent)
    assert chosen.session in standing(agent)
    row = AuditEvent.objects.get(event="disconnect_requested")
    assert (row.actor, row.subject, row.session) == (handler.pk, agent.pk, chosen.session_id)
    assert row.details == {"connection": str(chosen.pk)}


def test_the_session_of_a_socket_is_ended(pages: Client, agent: Agent) -> None:
    """With all of its sockets, counted once; other sessions stay."""
    first = connection(agent)
    second, other = connection(agent, session=first.session), connection(agent)
    assert "Ended 1 session(s)" in act(pages, CONNECTIONS, "end_sessions", first, second)
    assert standing(agent) == {other.session}


@pytest.mark.parametrize(
    "above",
    [{"role": Role.DIRECTOR}, {"clearance": Clearance.TOP_SECRET}, {"is_superuser": True}],
)
def test_what_is_of_those_above_is_neither_seen_nor_ended(
    pages: Client, make_agent: MakeAgent, above: dict[str, Any]
) -> None:
    """As if it were not there."""
    boss = make_agent("boss", **above)
    theirs = connection(boss)
    assert theirs not in shown(pages, CONNECTIONS)
    assert theirs.session not in shown(pages, SESSIONS)
    for page, row in (("connection", theirs), ("session", theirs.session)):
        address = reverse(f"admin:agents_{page}_change", args=[row.pk])
        assert pages.get(address)["Location"] == reverse("admin:index")
    act(pages, CONNECTIONS, "disconnect", theirs)
    act(pages, CONNECTIONS, "end_sessions", theirs)
    act(pages, SESSIONS, "end", theirs.session)
    theirs.refresh_from_db()
    assert not theirs.disconnect_wanted
    assert standing(boss) == {theirs.session}


def test_who_was_raised_disappears_at_once(pages: Client, agent: Agent) -> None:
    """Rank is compared with what it is now."""
    session = open_session(agent)
    assert session in shown(pages, SESSIONS)
    set_access(agent.pk, role=Role.DIRECTOR)
    assert session not in shown(pages, SESSIONS)


def test_nothing_can_be_added_changed_or_deleted(pages: Client, agent: Agent) -> None:
    """There are only the actions."""
    row = connection(agent)
    for model, pk in (("connection", row.pk), ("session", row.session_id)):
        assert pages.get(reverse(f"admin:agents_{model}_add")).status_code == 403
        for page in ("change", "delete"):
            address = reverse(f"admin:agents_{model}_{page}", args=[pk])
            assert pages.post(address, {"post": "yes", "name": "x"}).status_code == 403
        assert pages.get(reverse(f"admin:agents_{model}_change", args=[pk])).status_code == 200


def test_tickets_and_workers_have_no_page(pages: Client) -> None:
    """Nor have recovery codes, devices, groups, or what django-axes keeps of attempts."""
    page = pages.get(reverse("admin:index")).content.decode()
    models = {
        model["object_name"]
        for app in pages.get(reverse("admin:index")).context["app_list"]
        for model in app["models"]
    }
    assert models == {"Agent", "AuditEvent", "Connection", "Mission", "Session"}
    assert "icket" not in page
