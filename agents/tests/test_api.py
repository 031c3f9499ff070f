"""Logging in over REST, and what every call refuses before it begins."""

import json
from typing import Any

import pytest
from django.test import Client

from agents.models import Agent, Session
from agents.sessions import check_access
from agents.tests.calls import LOGIN, log_in, refused, send
from agents.tests.conftest import PASSWORD, MakeAgent

pytestmark = pytest.mark.django_db


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
        ({"username": "ada", "password": PASSWORD, "otp": 123456}, "otp"),
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
