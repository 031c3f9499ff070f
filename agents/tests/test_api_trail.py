"""What refusals of REST leave in the security log."""

from typing import Any
from uuid import uuid4

import pytest
from django.test import Client

from agents.audit import Entry
from agents.models import Session
from agents.notebook import Notebook
from agents.roles import Clearance, Role
from agents.sessions import TokenPair
from agents.tests.calls import bearer, csrf, log_in, send
from agents.tests.conftest import MakeAgent
from missions.services import create_mission

pytestmark = pytest.mark.django_db

FORGED = "eyJhbGciOiJFUzI1NiJ9.e30.AAAA"
ME = "GET /api/auth/me"


def taken(book: Notebook) -> list[Entry]:
    """What was taken down; no credential is in it."""
    entries = book._take(everything=True)
    assert "eyJ" not in str(entries)
    return entries


def said(entries: list[Entry]) -> list[tuple[str, Any, Any]]:
    """Event, reason and count."""
    return [(one.event, one.details["reason"], one.details["count"]) for one in entries]


def test_bad_tokens_are_counted_by_call(http: Client, own_notebook: Notebook) -> None:
    """From where, and why; the token itself is nowhere."""
    for _ in range(3):
        http.get("/api/auth/me", headers=bearer(FORGED))
    http.get("/api/auth/me")
    send(http, "/api/auth/refresh", {"refresh": FORGED})
    entries = taken(own_notebook)
    assert said(entries) == [
        ("authn_token_refused", f"token_invalid {ME}", 3),
        ("authn_token_refused", f"token_missing {ME}", 1),
        ("authn_token_refused", "token_invalid POST /api/auth/refresh", 1),
    ]
    assert {(one.actor, one.address) for one in entries} == {(None, "127.0.0.1")}


def test_a_call_that_is_forbidden_is_written_with_its_agent(
    http: Client, pair: TokenPair, session: Session, own_notebook: Notebook
) -> None:
    """By the pattern of the path, without what was sent."""
    body = {"codename": "Cold Lantern", "objective": "Find them.", "classification": "restricted"}
    answer = send(http, "/api/missions", body, **bearer(pair.access))
    assert answer.status_code == 403
    (entry,) = taken(own_notebook)
    assert said([entry]) == [("authz_fail", "forbidden POST /api/missions", 1)]
    assert (entry.actor, entry.session) == (session.agent_id, session.id)
    assert "Lantern" not in str(entry)


def test_a_write_without_the_csrf_token_is_written(
    http: Client, agent: object, own_notebook: Notebook
) -> None:
    """Before anybody is authenticated."""
    log_in(http)
    assert send(http, "/api/auth/ticket", **csrf(http)).status_code == 201
    own_notebook._take(everything=True)
    assert send(http, "/api/auth/ticket").status_code == 403
    assert said(taken(own_notebook)) == [("authz_fail", "csrf_failed POST /api/auth/ticket", 1)]


def test_a_failed_login_is_written_once(
    http: Client, agent: object, own_notebook: Notebook
) -> None:
    """Where it is decided, and not as a refused token as well."""
    send(http, "/api/auth/login", {"username": "ada", "password": "wrong"})
    assert [one.event for one in taken(own_notebook)] == ["authn_login_fail"]


def test_input_that_is_refused_is_written_without_what_it_said(
    http: Client, own_notebook: Notebook
) -> None:
    """What is no JSON, no known field, too long or of another type; before and after a login."""
    for _ in range(2):
        send(http, "/api/auth/login", {"username": "ada", "password": "x", "is_staff": True})
    http.post("/api/auth/login", "username=ada", content_type="text/plain")
    http.put("/api/auth/login", "{}", content_type="application/json")
    entries = taken(own_notebook)
    assert "ada" not in str(entries)
    assert said(entries) == [
        ("input_validation_fail", "invalid POST /api/auth/login", 2),
        ("input_validation_fail", "unsupported_media_type POST /api/auth/login", 1),
        ("input_validation_fail", "invalid PUT /api/auth/login", 1),
    ]


def test_what_is_hidden_and_what_is_not_there_are_one_row(
    http: Client, pair: TokenPair, session: Session, make_agent: MakeAgent, own_notebook: Notebook
) -> None:
    """So that the log, too, tells nobody which of them exists."""
    director = make_agent("dora", role=Role.DIRECTOR, clearance=Clearance.TOP_SECRET)
    hidden = create_mission(director, "Unseen", "", Clearance.TOP_SECRET)
    for mission in (hidden.pk, uuid4(), "x"):
        answer = http.get(f"/api/missions/{mission}", headers=bearer(pair.access))
        assert answer.status_code == 404
    (entry,) = taken(own_notebook)
    assert (entry.event, entry.details["count"], entry.actor) == ("authz_fail", 3, session.agent_id)
    assert entry.details["reason"].startswith("not_found GET /api/missions/")
    assert str(hidden.pk) not in str(entry)
