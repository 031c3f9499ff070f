"""Pages of other origins: shut out, unless their origin is configured, and then without cookies."""

import pytest
from django.test import Client
from pytest_django.fixtures import Settings

from agents.models import Agent
from agents.sessions import issue_access, open_session

PARTNER = "https://partner.example.net"
SHARED = "Access-Control-Allow-Origin"


@pytest.fixture
def partner(settings: Settings) -> None:
    """One origin is configured."""
    settings.HQ_ALLOWED_ORIGINS = [PARTNER]


def preflight(path: str, origin: str) -> dict[str, str]:
    """The headers that answer a browser's question before a call."""
    answer = Client().options(
        path,
        headers={
            "Origin": origin,
            "Access-Control-Request-Method": "PATCH",
            "Access-Control-Request-Headers": "authorization,content-type",
        },
    )
    return dict(answer.headers)


def test_nothing_is_shared_unless_an_origin_is_configured() -> None:
    """The default."""
    assert SHARED not in preflight("/api/missions", PARTNER)
    assert SHARED not in Client().get("/api/schema", headers={"Origin": PARTNER})


@pytest.mark.usefixtures("partner")
def test_a_configured_origin_may_call_with_a_header() -> None:
    """Its preflight is answered without a credential, and says nothing of cookies."""
    said = preflight("/api/missions", PARTNER)
    assert said[SHARED] == PARTNER
    assert said["Access-Control-Allow-Headers"] == "Authorization, Content-Type"
    assert "PATCH" in said["Access-Control-Allow-Methods"]
    assert "Access-Control-Allow-Credentials" not in said
    assert "Origin" in said["Vary"]


@pytest.mark.usefixtures("partner")
@pytest.mark.parametrize(
    "origin",
    [
        "null",
        "http://partner.example.net",
        "https://partner.example.net:8443",
        "https://partner.example.net.evil.example",
        "https://PARTNER.example.net",
        "https://evil.example",
        "http://localhost:8000",
    ],
)
def test_an_origin_is_compared_exactly(origin: str) -> None:
    """Scheme, host and port."""
    said = preflight("/api/missions", origin)
    assert SHARED not in said
    assert "Access-Control-Allow-Headers" not in said
    assert "Origin" in said["Vary"]


@pytest.mark.usefixtures("partner")
@pytest.mark.parametrize("path", ["/", "/login", "/admin/login/", "/static/missions/room.js"])
@pytest.mark.django_db
def test_nothing_but_the_api_is_shared(path: str) -> None:
    """Pages are for HQ's own origin."""
    assert SHARED not in Client().get(path, headers={"Origin": PARTNER}).headers


@pytest.mark.usefixtures("partner")
@pytest.mark.django_db
def test_a_cookie_is_not_looked_at_from_another_origin() -> None:
    """Even a good one: the page must bring a token itself."""
    agent = Agent.objects.create_user("ada", codename="Ada")
    token, _ = issue_access(open_session(agent))
    http = Client(headers={"Origin": PARTNER})
    http.cookies["jwt"] = token
    assert http.get("/api/auth/me").json()["code"] == "token_missing"
    answer = http.get("/api/auth/me", headers={"Authorization": f"Bearer {token}"})
    assert (answer.status_code, answer[SHARED]) == (200, PARTNER)
    assert Client(headers={"Authorization": "x"}).get("/api/auth/me").headers.get(SHARED) is None
