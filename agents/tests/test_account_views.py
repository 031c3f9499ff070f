"""One's own sessions, password and second factor over REST."""

import datetime as dt
import xml.etree.ElementTree as ET
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from agents.models import Agent, Connection, Session, Worker
from agents.sessions import TokenPair, issue_access, issue_pair, open_session
from agents.tests.authenticator import enrol, forget_use, shown
from agents.tests.calls import bearer, csrf, log_in, refused, send
from agents.tests.conftest import PASSWORD, MakeAgent

pytestmark = pytest.mark.django_db
SESSIONS = "/api/auth/sessions"
NEW = "another long passphrase"


def end(http: Client, path: str, body: Any = None, **headers: str) -> Any:
    """A DELETE, with JSON if it has a body."""
    if body is None:
        return http.delete(path, headers=headers)
    return http.delete(path, body, content_type="application/json", headers=headers)


def me(http: Client, token: str) -> int:
    """The status of a call by that token."""
    return http.get("/api/auth/me", headers=bearer(token)).status_code


def connect(session: Session, *, seconds_left: int = 30, **fields: Any) -> Connection:
    """An open WebSocket of that session, on a worker whose lease holds so long."""
    now = timezone.now()
    until = now + dt.timedelta(seconds=seconds_left)
    worker = Worker.objects.create(started_at=now, lease_until=until)
    return Connection.objects.create(
        agent=session.agent, session=session, worker=worker, opened_at=now, **fields
    )


def test_sessions_are_listed_with_their_open_connections(
    agent: Agent, session: Session, pair: TokenPair, http: Client
) -> None:
    """The newest first; closed connections and those of dead workers are not open."""
    token = open_session(agent, kind=Session.Kind.SERVICE, name="radio", address="192.0.2.7")
    opened = connect(session, address="2001:db8::1", user_agent="curl")
    connect(session, closed_at=timezone.now())
    connect(session, seconds_left=-1)
    service, own = http.get(SESSIONS, headers=bearer(pair.access)).json()
    assert (service["id"], service["kind"], service["name"]) == (str(token.id), "service", "radio")
    assert (service["address"], service["current"], service["connections"]) == (
        "192.0.2.7",
        False,
        [],
    )
    assert (own["id"], own["current"]) == (str(session.id), True)
    (connection,) = own["connections"]
    assert connection == {
        "id": str(opened.id),
        "address": "2001:db8::1",
        "user_agent": "curl",
        "opened_at": connection["opened_at"],
    }


def test_sessions_that_are_over_and_those_of_others_are_not_listed(
    agent: Agent, session: Session, pair: TokenPair, make_agent: MakeAgent, http: Client
) -> None:
    """Ended, expired, or unused for too long."""
    past = timezone.now() - dt.timedelta(days=2)
    open_session(make_agent("bob"))
    for fields in (
        {"ended_at": past},
        {"expires_at": past},
        {"refresh_expires_at": past, "rotated_at": past},
    ):
        Session.objects.filter(id=open_session(agent).id).update(**fields)
    (only,) = http.get(SESSIONS, headers=bearer(pair.access)).json()
    assert only["id"] == str(session.id)


def test_one_session_is_ended_at_once(agent: Agent, pair: TokenPair, http: Client) -> None:
    """Its access token is refused from then on."""
    other = open_session(agent)
    token, _ = issue_access(other)
    assert end(http, f"{SESSIONS}/{other.id}", **bearer(pair.access)).status_code == 204
    assert (me(http, token), me(http, pair.access)) == (401, 200)
    again = end(http, f"{SESSIONS}/{other.id}", **bearer(pair.access))
    assert refused(again, 404, "not_found")


def test_sessions_of_others_do_not_exist(
    pair: TokenPair, make_agent: MakeAgent, http: Client
) -> None:
    """Nor do ids that are none."""
    foreign = open_session(make_agent("bob"))
    for wanted in (foreign.id, "00000000-0000-4000-8000-000000000000", "x"):
        response = end(http, f"{SESSIONS}/{wanted}", **bearer(pair.access))
        assert refused(response, 404, "not_found")
    foreign.refresh_from_db()
    assert foreign.ended_at is None


def test_ending_the_own_session_is_a_logout(agent: Agent, http: Client) -> None:
    """The cookies go with it."""
    log_in(http)
    own = Session.objects.get()
    response = end(http, f"{SESSIONS}/{own.id}", **csrf(http))
    assert response.status_code == 204
    assert response["Clear-Site-Data"] == '"cache", "storage"'
    assert http.cookies["jwt"].value == ""


def test_all_other_sessions_are_ended(agent: Agent, pair: TokenPair, http: Client) -> None:
    """The one that asks stays."""
    others = [issue_access(open_session(agent))[0] for _ in range(2)]
    assert end(http, SESSIONS, **bearer(pair.access)).status_code == 204
    assert [me(http, token) for token in (*others, pair.access)] == [401, 401, 200]


def change(http: Client, pair: TokenPair, **body: str) -> Any:
    """A change of the password."""
    said = {"current_password": PASSWORD, "new_password": NEW, **body}
    return send(http, "/api/auth/password", said, **bearer(pair.access))


def test_a_changed_password_ends_all_other_sessions(
    agent: Agent, pair: TokenPair, http: Client
) -> None:
    """And is the one that lets in from then on."""
    other = issue_pair(open_session(agent))
    assert change(http, pair).status_code == 204
    assert (me(http, pair.access), me(http, other.access)) == (200, 401)
    stale = send(http, "/api/auth/refresh", {"refresh": other.refresh})
    assert refused(stale, 401, "token_invalid")
    assert refused(log_in(http), 401, "invalid_credentials")
    fresh = send(http, "/api/auth/login", {"username": "ada", "password": NEW})
    assert fresh.status_code == 200


def test_a_password_change_is_refused_like_a_login(
    agent: Agent, pair: TokenPair, http: Client
) -> None:
    """And counts like one: a stolen session cannot guess."""
    for _ in range(5):
        assert refused(change(http, pair, current_password="x"), 401, "invalid_credentials")
    response = change(http, pair)
    assert refused(response, 429, "rate_limited")
    assert 1 <= int(response["Retry-After"]) <= 901
    assert me(http, pair.access) == 200


@pytest.mark.parametrize("weak", ["short", "password1234", "ada-the-agent"])
def test_a_weak_new_password_is_named(pair: TokenPair, http: Client, weak: str) -> None:
    """Before anything is verified, so that it does not cost a code."""
    response = change(http, pair, new_password=weak, current_password="x")
    assert refused(response, 400, "invalid", "new_password")


def test_a_password_change_takes_the_second_factor(
    agent: Agent, session: Session, pair: TokenPair, http: Client
) -> None:
    """Where one is set."""
    enrol(agent, session)
    assert refused(change(http, pair), 401, "otp_required")
    assert change(http, pair, otp=shown(agent)).status_code == 204


def test_a_second_factor_from_enrolment_to_removal(
    agent: Agent, pair: TokenPair, http: Client
) -> None:
    """Every step ends the other sessions and asks for what is needed."""
    head = bearer(pair.access)
    wrong = send(http, "/api/auth/otp/enrol", {"password": "x"}, **head)
    assert refused(wrong, 401, "invalid_credentials")
    begun = send(http, "/api/auth/otp/enrol", {"password": PASSWORD}, **head)
    assert set(begun.json()) == {"secret", "uri"}
    assert begun["Cache-Control"] == "no-store"
    bad = send(http, "/api/auth/otp/confirm", {"otp": "000"}, **head)
    assert refused(bad, 400, "invalid", "otp")
    other, _ = issue_access(open_session(agent))
    done = send(http, "/api/auth/otp/confirm", {"otp": shown(agent)}, **head)
    codes = done.json()["recovery_codes"]
    assert len(codes) == 10
    assert me(http, other) == 401

    factor = http.get("/api/auth/otp", headers=head).json()
    assert factor == {"enrolled": True, "recovery_codes": 10}
    twice = send(http, "/api/auth/otp/enrol", {"password": PASSWORD}, **head)
    assert refused(twice, 409, "conflict")
    forget_use(agent)
    assert refused(log_in(http), 401, "otp_required")
    assert refused(log_in(http, otp="12345678"), 401, "otp_required")
    assert log_in(http, otp=shown(agent)).status_code == 200
    assert refused(log_in(http, otp=shown(agent)), 401, "otp_required")
    assert log_in(http, otp=codes[0]).status_code == 200

    gone = {"password": PASSWORD, "otp": codes[1]}
    no = end(http, "/api/auth/otp", {**gone, "otp": codes[0]}, **head)
    assert refused(no, 401, "otp_required")
    assert end(http, "/api/auth/otp", gone, **head).status_code == 204
    assert refused(end(http, "/api/auth/otp", gone, **head), 409, "conflict")
    assert log_in(http).status_code == 200
    factor = http.get("/api/auth/otp", headers=head).json()
    assert factor == {"enrolled": False, "recovery_codes": 0}


def test_nothing_is_changed_by_a_foreign_page(agent: Agent, http: Client) -> None:
    """Every unsafe call by cookie needs the CSRF token."""
    log_in(http)
    for path, body in (
        ("/api/auth/password", {"current_password": PASSWORD, "new_password": NEW}),
        ("/api/auth/otp/enrol", {"password": PASSWORD}),
        ("/api/auth/otp/confirm", {"otp": "123456"}),
        ("/api/auth/otp/picture", {"uri": "otpauth://totp/x"}),
    ):
        assert refused(send(http, path, body), 403, "csrf_failed")
    for path in (SESSIONS, f"{SESSIONS}/{Session.objects.get().id}", "/api/auth/otp"):
        assert refused(end(http, path), 403, "csrf_failed")


def test_the_picture_is_a_drawing_and_nothing_else(pair: TokenPair, http: Client) -> None:
    """It keeps nothing, and takes nothing but the URI of an enrolment."""
    body = {"uri": "otpauth://totp/HQ:ada?secret=ABC&issuer=HQ"}
    response = send(http, "/api/auth/otp/picture", body, **bearer(pair.access))
    assert response["Content-Type"] == "image/svg+xml"
    assert response["Cache-Control"] == "no-store"
    drawing = ET.fromstring(response.content)
    tags = {element.tag.rpartition("}")[2] for element in drawing.iter()}
    assert tags == {"svg", "path"}
    for uri in ("javascript:alert(1)", "otpauth://totp/" + "x" * 512, ""):
        bad = send(http, "/api/auth/otp/picture", {"uri": uri}, **bearer(pair.access))
        assert refused(bad, 400, "invalid", "uri")
