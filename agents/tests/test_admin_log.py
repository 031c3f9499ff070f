"""The security log in the admin: read, searched, and never written."""

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from agents import audit
from agents.models import Agent, AuditEvent
from agents.roles import Clearance, Role
from agents.tests.conftest import MakeAgent

pytestmark = pytest.mark.django_db

LOG = reverse("admin:agents_auditevent_changelist")


@pytest.fixture
def handler(make_agent: MakeAgent) -> Agent:
    """Staff: a handler cleared for secret."""
    return make_agent("harriet", role=Role.HANDLER, is_staff=True)


def pages(agent: Agent) -> Client:
    """The admin as that agent has it; the log is empty."""
    client = Client()
    client.force_login(agent)
    AuditEvent.objects.all().delete()
    return client


def shown(client: Client, query: str = "") -> list[str]:
    """The events that the list shows, oldest first."""
    response = client.get(LOG + query)
    assert response.status_code == 200
    return [row.event for row in reversed(response.context["cl"].result_list)]


def test_it_is_found_by_event_by_whom_and_about_whom(handler: Agent, agent: Agent) -> None:
    """Names are shown beside the ids that the rows hold."""
    client = pages(handler)
    audit.record("user_updated", actor=handler.pk, subject=agent.pk, address="192.0.2.7")
    audit.record("session_created", actor=agent.pk, subject=agent.pk)
    audit.record("origin_refused", address="198.51.100.1", reason="socket", count=3)
    assert shown(client) == ["user_updated", "session_created", "origin_refused"]
    for query, events in (
        ("?q=origin", ["origin_refused"]),
        ("?event=session_created", ["session_created"]),
        ("?q=harriet", ["user_updated"]),
        ("?q=ADA", ["user_updated", "session_created"]),
        ("?q=ada+the+agent", ["user_updated", "session_created"]),
        ("?q=the+agent", []),
        ("?q=192.0.2.7", ["user_updated"]),
    ):
        assert shown(client, query) == events
    page = client.get(LOG).content.decode()
    for text in ("harriet the agent", "ada the agent", "count: 3, reason: socket"):
        assert text in page


def test_nothing_can_be_added_changed_or_deleted(handler: Agent) -> None:
    """Not one row, not all, by nobody."""
    client = pages(handler)
    audit.record("user_updated", actor=handler.pk)
    row = AuditEvent.objects.get()
    assert client.get(reverse("admin:agents_auditevent_add")).status_code == 403
    for page in ("change", "delete"):
        address = reverse(f"admin:agents_auditevent_{page}", args=[row.pk])
        assert client.post(address, {"post": "yes", "event": "x"}).status_code == 403
    chosen = {"action": "delete_selected", "_selected_action": [row.pk], "post": "yes"}
    client.post(LOG, chosen)
    row.refresh_from_db()
    assert row.event == "user_updated"
    assert b"delete_selected" not in client.get(LOG).content


@pytest.mark.parametrize("part", ["actor", "subject"])
@pytest.mark.parametrize(
    "above",
    [{"role": Role.DIRECTOR}, {"clearance": Clearance.TOP_SECRET}, {"is_superuser": True}],
)
def test_what_those_above_did_is_not_shown(
    handler: Agent, agent: Agent, make_agent: MakeAgent, above: dict[str, Any], part: str
) -> None:
    """Nor what was done to them; a search for them finds as much as one for nobody."""
    boss = make_agent("boss", **above)
    client = pages(handler)
    about: dict[str, Any] = {"actor": agent.pk, "subject": agent.pk, part: boss.pk}
    audit.record("session_created", **about)
    audit.record("session_ended", actor=agent.pk, subject=agent.pk)
    assert shown(client) == ["session_ended"]
    assert shown(client, "?q=boss") == shown(client, "?q=nobody") == []
    row = AuditEvent.objects.get(event="session_created")
    page = reverse("admin:agents_auditevent_change", args=[row.pk])
    assert client.get(page)["Location"] == reverse("admin:index")


@pytest.mark.parametrize(
    ("role", "clearance", "sees"),
    [
        (Role.DIRECTOR, Clearance.TOP_SECRET, True),
        (Role.DIRECTOR, Clearance.SECRET, False),
        (Role.HANDLER, Clearance.TOP_SECRET, False),
    ],
)
def test_what_happened_to_missions_is_shown_to_who_sees_all_of_them(
    make_agent: MakeAgent, role: Role, clearance: Clearance, sees: bool
) -> None:
    """That a mission exists is hidden from all others."""
    reader = make_agent("reader", role=role, clearance=clearance, is_staff=True)
    client = pages(reader)
    audit.record("mission_created", actor=reader.pk, mission="an id")
    audit.record("session_created", actor=reader.pk)
    assert shown(client) == (["mission_created"] if sees else []) + ["session_created"]
