"""Calls by header and by cookie: me, ticket, refresh, logout, and CSRF."""

import pytest
from django.test import Client

from agents.models import Agent, Session
from agents.sessions import TokenPair, check_access, end_session, read_refresh
from agents.tests.calls import bearer, csrf, log_in, refused, send
from agents.tickets import redeem_ticket

pytestmark = pytest.mark.django_db


def test_me_is_the_agent_as_the_database_has_it_now(
    agent: Agent, pair: TokenPair, http: Client
) -> None:
    """Not as it was when the token was made."""
    Agent.objects.filter(id=agent.id).update(role="handler", clearance=1)
    body = http.get("/api/auth/me", headers=bearer(pair.access)).json()
    assert (body["role"], body["clearance"]) == ("handler", "restricted")
    assert not http.cookies


def test_me_by_cookie_sets_the_csrf_cookie(agent: Agent, http: Client) -> None:
    """A page that was loaded anew can go on writing."""
    log_in(http)
    del http.cookies["csrftoken"]
    assert http.get("/api/auth/me").status_code == 200
    assert send(http, "/api/auth/ticket", **csrf(http)).status_code == 201


@pytest.mark.parametrize(
    "header",
    [
        "",
        "Bearer",
        "Token {}",
        "Basic {}",
        "Bearer {} {}",
        "Bearer {},Bearer {}",
        "Bearer Bearer {}",
        "{}",
        "Bearer x.y.z",
        "bearer {}x",
    ],
)
def test_a_header_decides_alone_and_a_bad_one_is_refused_beside_a_good_cookie(
    agent: Agent, http: Client, header: str
) -> None:
    """It never falls back."""
    access = log_in(http).json()["access"]
    response = http.get("/api/auth/me", headers={"Authorization": header.replace("{}", access)})
    assert refused(response, 401, "token_invalid")
    assert response["WWW-Authenticate"] == 'Bearer error="invalid_token"'


def test_the_schemes_name_is_read_in_any_case(pair: TokenPair, http: Client) -> None:
    """RFC 9110, section 11.1."""
    for scheme in ("bearer", "BEARER", "Bearer "):
        headers = {"Authorization": f"{scheme} {pair.access}"}
        assert http.get("/api/auth/me", headers=headers).status_code == 200


def test_no_credential_at_all_is_token_missing(http: Client) -> None:
    """401, and how to authenticate."""
    for response in (http.get("/api/auth/me"), send(http, "/api/auth/ticket")):
        assert refused(response, 401, "token_missing")
        assert response["WWW-Authenticate"] == "Bearer"


def test_a_header_needs_no_csrf_token(pair: TokenPair, http: Client) -> None:
    """A foreign page cannot make a browser send one."""
    response = send(http, "/api/auth/ticket", **bearer(pair.access))
    assert response.status_code == 201
    assert response.json()["expires_in"] == 30
    assert redeem_ticket(response.json()["ticket"]).session == check_access(pair.access).session


def test_writes_by_cookie_need_the_csrf_token(agent: Agent, http: Client) -> None:
    """Missing, wrong, or from a foreign page: refused."""
    log_in(http)
    assert refused(send(http, "/api/auth/ticket"), 403, "csrf_failed")
    wrong = {"X-CSRFToken": "x" * 32}
    assert refused(send(http, "/api/auth/ticket", **wrong), 403, "csrf_failed")
    foreign = {**csrf(http), "Origin": "https://evil.example"}
    assert refused(send(http, "/api/auth/ticket", **foreign), 403, "csrf_failed")
    own = {**csrf(http), "Origin": "http://localhost:8000"}
    assert send(http, "/api/auth/ticket", **own).status_code == 201


def test_a_bad_cookie_is_401_before_csrf_is_looked_at(http: Client) -> None:
    """The order of checks."""
    http.cookies["jwt"] = "x.y.z"
    assert refused(send(http, "/api/auth/ticket"), 401, "token_invalid")


def test_a_refresh_token_in_the_body_gives_a_pair_in_the_body(agent: Agent, http: Client) -> None:
    """And wins over the cookie, without CSRF, leaving the cookies alone."""
    first = log_in(http).json()
    response = send(http, "/api/auth/refresh", {"refresh": first["refresh"]})
    assert set(response.json()) == {"access", "refresh", "expires_in"}
    assert not response.cookies
    assert read_refresh(response.json()["refresh"]).generation == 2
    http.cookies["jwt-refresh"] = "x.y.z"
    again = send(http, "/api/auth/refresh", {"refresh": response.json()["refresh"]})
    assert again.status_code == 200


def test_a_refresh_cookie_gives_a_pair_in_cookies_alone(agent: Agent, http: Client) -> None:
    """With the CSRF token, and rotated only then."""
    log_in(http)
    before = http.cookies["jwt-refresh"].value
    assert refused(send(http, "/api/auth/refresh"), 403, "csrf_failed")
    assert Session.objects.get().generation == 1
    response = send(http, "/api/auth/refresh", **csrf(http))
    assert set(response.json()) == {"expires_in"}
    assert http.cookies["jwt-refresh"].value != before
    assert http.get("/api/auth/me").status_code == 200


def test_bad_refreshes_are_refused(
    agent: Agent, session: Session, pair: TokenPair, http: Client
) -> None:
    """None, empty, an access token, far too long, of an ended session."""
    assert refused(send(http, "/api/auth/refresh"), 401, "token_missing")
    for bad in (pair.access, "x", "..", "x" * 1_000_000):
        assert refused(send(http, "/api/auth/refresh", {"refresh": bad}), 401, "token_invalid")
    assert refused(send(http, "/api/auth/refresh", {"refresh": 1}), 400, "invalid", "refresh")
    end_session(session.id, "administrator")
    response = send(http, "/api/auth/refresh", {"refresh": pair.refresh})
    assert refused(response, 401, "token_invalid")


def test_a_replayed_refresh_ends_the_session_and_stays_ended(pair: TokenPair, http: Client) -> None:
    """The answer of 401 does not roll the end back."""
    second = send(http, "/api/auth/refresh", {"refresh": pair.refresh}).json()
    third = send(http, "/api/auth/refresh", {"refresh": second["refresh"]}).json()
    replay = send(http, "/api/auth/refresh", {"refresh": pair.refresh})
    assert refused(replay, 401, "token_invalid")
    assert refused(http.get("/api/auth/me", headers=bearer(third["access"])), 401, "token_invalid")


def test_logging_out_ends_the_session_by_header_by_body_and_by_cookie(
    agent: Agent, http: Client
) -> None:
    """204 each, and 204 again when nothing is left."""
    first = log_in(http, transport="body").json()
    assert send(http, "/api/auth/logout", **bearer(first["access"])).status_code == 204
    assert send(http, "/api/auth/logout", **bearer(first["access"])).status_code == 204
    second = log_in(http, transport="body").json()
    gone = {"refresh": second["refresh"]}
    assert send(http, "/api/auth/logout", gone, **bearer("x.y.z")).status_code == 204
    log_in(http, transport="cookie")
    assert refused(send(http, "/api/auth/logout"), 403, "csrf_failed")
    assert Session.objects.filter(ended_at=None).count() == 1
    assert send(http, "/api/auth/logout", **csrf(http)).status_code == 204
    assert not Session.objects.filter(ended_at=None).exists()
    assert http.cookies["jwt"].value == http.cookies["jwt-refresh"].value == ""
    assert Client().generic("POST", "/api/auth/logout").status_code == 204


def test_an_ended_session_and_a_disabled_agent_are_refused_over_http(
    agent: Agent, session: Session, pair: TokenPair, http: Client
) -> None:
    """At once."""
    assert http.get("/api/auth/me", headers=bearer(pair.access)).status_code == 200
    Agent.objects.update(is_active=False)
    assert refused(http.get("/api/auth/me", headers=bearer(pair.access)), 401, "token_invalid")
