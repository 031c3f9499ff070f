"""The REST calls of accounts, as a program and as a browser make them."""

import json
from http.cookies import Morsel
from typing import Any

import pytest
from django.test import Client, override_settings

from agents.models import Agent, Session
from agents.sessions import TokenPair, check_access, end_session, read_refresh
from agents.tests.conftest import PASSWORD, MakeAgent
from agents.tickets import redeem_ticket

pytestmark = pytest.mark.django_db

LOGIN = "/api/auth/login"


@pytest.fixture
def http() -> Client:
    """A client whose cookies are kept and whose CSRF is checked."""
    return Client(enforce_csrf_checks=True)


def send(http: Client, path: str, body: Any = None, **headers: str) -> Any:
    """A POST of JSON."""
    return http.post(
        path, {} if body is None else body, content_type="application/json", headers=headers
    )


def log_in(http: Client, **more: str) -> Any:
    """Ada logs in."""
    return send(http, LOGIN, {"username": "ada", "password": PASSWORD, **more})


def refused(response: Any, status: int, code: str, field: str | None = None) -> bool:
    """Whether an answer is exactly that refusal."""
    body = json.loads(response.content)
    assert set(body) <= {"code", "message", "field"}
    return (response.status_code, body["code"], body.get("field")) == (status, code, field)


def bearer(token: str) -> dict[str, str]:
    """The header of a program."""
    return {"Authorization": f"Bearer {token}"}


def csrf(http: Client) -> dict[str, str]:
    """What a page reads from its cookie and sends back."""
    return {"X-CSRFToken": http.cookies["csrftoken"].value}


def test_a_login_gives_tokens_the_agent_and_cookies(agent: Agent, http: Client) -> None:
    """The default transport is both."""
    response = log_in(http)
    assert response.status_code == 200
    body = response.json()
    assert set(body) == {"access", "refresh", "expires_in", "agent"}
    assert body["agent"] == {
        "id": str(agent.id),
        "username": "ada",
        "codename": "ada the agent",
        "role": "analyst",
        "clearance": "secret",
    }
    assert body["expires_in"] in (899, 900)
    assert check_access(body["access"]).agent == agent
    assert set(http.cookies) == {"jwt", "jwt-refresh", "csrftoken"}
    assert response["Cache-Control"] == "no-store"


def test_cookies_of_tokens_are_out_of_reach_of_scripts_and_other_sites(
    agent: Agent, http: Client
) -> None:
    """HttpOnly, SameSite=Strict, and the refresh cookie goes to /api/auth/ alone."""
    log_in(http, transport="cookie")
    paths = {"jwt": "/", "jwt-refresh": "/api/auth/"}
    for name, path in paths.items():
        morsel: Morsel[str] = http.cookies[name]
        assert morsel["httponly"]
        assert morsel["samesite"] == "Strict"
        assert morsel["path"] == path
        assert int(morsel["max-age"]) > 800


@override_settings(HQ_SECURE_COOKIES=True)
def test_over_tls_cookies_have_the_prefixed_names_and_only_those_are_read(
    agent: Agent, http: Client
) -> None:
    """A plain cookie beside them decides nothing."""
    log_in(http, transport="cookie")
    assert {"__Host-jwt", "__Secure-jwt-refresh"} <= set(http.cookies)
    assert all(http.cookies[name]["secure"] for name in ("__Host-jwt", "__Secure-jwt-refresh"))
    assert http.get("/api/auth/me").status_code == 200
    http.cookies["jwt"] = http.cookies.pop("__Host-jwt").value
    assert refused(http.get("/api/auth/me"), 401, "token_missing")


@override_settings(HQ_DEVELOPMENT=False)
@pytest.mark.parametrize("transport", ["both", "cookie"])
def test_production_without_tls_puts_no_tokens_into_cookies(
    agent: Agent, http: Client, transport: str
) -> None:
    """The transport body is what is left."""
    assert refused(log_in(http, transport=transport), 400, "invalid", "transport")
    assert log_in(http, transport="body").status_code == 200


def test_the_cookie_transport_shows_no_token_to_scripts(agent: Agent, http: Client) -> None:
    """What the dashboard asks for."""
    assert set(log_in(http, transport="cookie").json()) == {"expires_in", "agent"}


def test_the_body_transport_sets_no_cookie(agent: Agent, http: Client) -> None:
    """What programs ask for."""
    assert set(log_in(http, transport="body").json()) >= {"access", "refresh"}
    assert not http.cookies


def test_the_username_is_taken_in_any_case(agent: Agent, http: Client) -> None:
    """Two accounts cannot differ by case alone, so one is meant."""
    assert send(http, LOGIN, {"username": "ADA", "password": PASSWORD}).status_code == 200


def test_all_refused_logins_are_one_answer(make_agent: MakeAgent, http: Client) -> None:
    """Unknown name, wrong password, disabled account, account without a password."""
    make_agent("ada")
    make_agent("disabled", is_active=False)
    make_agent("mute").set_unusable_password()
    mute = Agent.objects.get(username="mute")
    mute.set_unusable_password()
    mute.save()
    bodies = set()
    for username, password in (
        ("nobody", PASSWORD),
        ("ada", "wrong"),
        ("disabled", PASSWORD),
        ("mute", PASSWORD),
    ):
        response = send(http, LOGIN, {"username": username, "password": password})
        assert response.status_code == 401
        assert response["WWW-Authenticate"].startswith("Bearer")
        bodies.add(response.content)
    assert len(bodies) == 1
    assert json.loads(bodies.pop())["code"] == "invalid_credentials"
    assert not Session.objects.exists()


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "username"),
        ({"username": "ada"}, "password"),
        ({"username": "ada", "password": 12}, "password"),
        ({"username": "ada", "password": PASSWORD, "role": "director"}, "role"),
        ({"username": "ada", "password": PASSWORD, "otp": "123456"}, "otp"),
        ({"username": "ada", "password": PASSWORD, "transport": "pigeon"}, "transport"),
        ({"username": "ada", "password": PASSWORD, "transport": 1}, "transport"),
        ({"username": "ada", "password": "x" * 1_000_000}, "password"),
        ([], None),
        ("ada", None),
    ],
)
def test_a_login_that_is_not_well_formed_names_the_field(
    agent: Agent, http: Client, body: Any, field: str | None
) -> None:
    """400, and nobody is logged in."""
    assert refused(send(http, LOGIN, body), 400, "invalid", field)
    assert not Session.objects.exists()


@pytest.mark.parametrize(
    "path", [LOGIN, "/api/auth/refresh", "/api/auth/logout", "/api/auth/ticket"]
)
@pytest.mark.parametrize(
    "content_type", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""]
)
def test_what_a_foreign_form_can_send_is_refused_before_all_else(
    agent: Agent, http: Client, path: str, content_type: str
) -> None:
    """415, whatever the credentials."""
    response = http.generic("POST", path, b'{"a":1}', content_type=content_type)
    assert refused(response, 415, "unsupported_media_type")


def test_a_body_over_the_limit_is_too_large(agent: Agent, http: Client) -> None:
    """Two megabytes is more than any password or token."""
    response = send(http, LOGIN, {"username": "ada", "password": "x" * 3_000_000})
    assert refused(response, 413, "too_large")


def test_every_path_answers_with_and_without_a_trailing_slash(agent: Agent, http: Client) -> None:
    """No redirect, which would lose the body."""
    body = {"username": "ada", "password": PASSWORD}
    assert send(http, LOGIN + "/", body).status_code == 200
    for path in ("/api/auth/me", "/.well-known/jwks.json"):
        assert http.get(path).status_code == http.get(path + "/").status_code == 200


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


def test_the_public_keys_are_public_and_hold_nothing_private(http: Client) -> None:
    """One P-256 key, named by its thumbprint."""
    response = http.get("/.well-known/jwks.json")
    (key,) = response.json()["keys"]
    assert set(key) == {"kty", "crv", "x", "y", "kid", "use", "alg"}
    assert response["Cache-Control"] == "public, max-age=300"


def test_a_method_that_a_path_does_not_have_is_405(http: Client) -> None:
    """With what it has."""
    response = http.get(LOGIN)
    assert response.status_code == 405
    assert "POST" in response["Allow"]
    assert response.json()["code"] == "invalid"


def test_accept_decides_nothing(http: Client) -> None:
    """The answer is JSON whatever was asked for."""
    response = http.get("/.well-known/jwks.json", headers={"Accept": "text/html"})
    assert response["Content-Type"] == "application/json"
