"""The cookies of a session: names, attributes, and where they are refused."""

from http.cookies import Morsel

import pytest
from django.test import Client, override_settings

from agents.models import Agent
from agents.tests.calls import log_in, refused

pytestmark = pytest.mark.django_db


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
