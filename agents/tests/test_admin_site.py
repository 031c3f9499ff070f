"""How one gets into the admin: what is counted, asked for and said, and what comes first."""

import re
from typing import Any

import pytest
from axes.models import AccessFailureLog
from django.contrib import admin
from django.test import Client
from django.urls import reverse
from pytest_django.fixtures import Settings

from agents import logins, notebook, sessions
from agents.errors import RateLimited
from agents.models import Agent, AuditEvent, Session
from agents.tests.authenticator import enrol, forget_use, shown
from agents.tests.conftest import PASSWORD, MakeAgent

pytestmark = pytest.mark.django_db

INDEX = reverse("admin:index")
LOGIN = reverse("admin:login")
SECOND_FACTOR = reverse("admin:second_factor")


@pytest.fixture
def staff(make_agent: MakeAgent) -> Agent:
    """Somebody who is staff."""
    return make_agent("stefan", is_staff=True)


def attempt(client: Client, username: str = "stefan", password: str = PASSWORD, **more: str) -> Any:
    """An attempt by the form, from one address."""
    form = {"username": username, "password": password, **more}
    return client.post(LOGIN, form, REMOTE_ADDR="192.0.2.7")


def said(response: Any) -> str:
    """What the page says is wrong."""
    assert response.status_code == 200
    return " ".join(
        str(one) for errors in response.context["form"].errors.values() for one in errors
    )


def test_who_is_unknown_wrong_disabled_or_no_staff_hears_the_same(
    client: Client, staff: Agent, make_agent: MakeAgent
) -> None:
    """And each of them has failed once; no session was opened."""
    make_agent("plain")
    make_agent("gone", is_staff=True, is_active=False)
    heard = {
        said(attempt(client, "nobody")),
        said(attempt(client, password="wrong")),
        said(attempt(client, "gone")),
        said(attempt(client, "plain")),
    }
    assert len(heard) == 1
    assert "correct username and password" in heard.pop()
    assert AccessFailureLog.objects.count() == 4


def test_the_right_password_of_who_is_no_staff_is_a_failure_and_noted(
    client: Client, agent: Agent, own_notebook: notebook.Notebook
) -> None:
    """By its reason; after five it waits like any other."""
    for _ in range(5):
        attempt(client, "ada")
    (entry,) = own_notebook._take(everything=True)
    assert (entry.event, entry.subject, entry.address) == (
        "authn_login_fail",
        agent.pk,
        "192.0.2.7",
    )
    assert entry.details == {"reason": "not_staff", "count": 5}
    assert "Too many attempts" in said(attempt(client, "ada"))
    assert not Session.objects.exists()


def test_failures_count_together_with_those_of_the_api(client: Client, staff: Agent) -> None:
    """Five, wherever they were made, and the next waits, right or not, here and there."""
    for _ in range(4):
        attempt(client, password="wrong")
    client.post(
        "/api/auth/login",
        {"username": "stefan", "password": "wrong"},
        content_type="application/json",
        REMOTE_ADDR="192.0.2.7",
    )
    assert "Too many attempts" in said(attempt(client))
    with pytest.raises(RateLimited):
        logins.log_in("stefan", PASSWORD, address="192.0.2.7")
    assert client.get(INDEX).status_code == 302


def test_a_login_clears_its_failures(client: Client, staff: Agent) -> None:
    """As one over the API does."""
    attempt(client, password="wrong")
    assert attempt(client).status_code == 302
    assert not AccessFailureLog.objects.exists()


def test_failures_are_in_the_security_log(client: Client, staff: Agent) -> None:
    """With the address, and whom they were about where that is known."""
    attempt(client, password="wrong")
    attempt(client, "nobody")
    notebook.flush()
    rows = AuditEvent.objects.filter(event="authn_login_fail")
    assert {(row.subject, row.address) for row in rows} == {
        (staff.pk, "192.0.2.7"),
        (None, "192.0.2.7"),
    }


def test_who_has_a_second_factor_needs_it(client: Client, staff: Agent) -> None:
    """Without or with a wrong one nothing opens; no code works twice; recovery codes work once."""
    codes = enrol(staff)
    Session.objects.all().delete()
    assert said(attempt(client)) != said(attempt(client, otp="000000"))
    assert AccessFailureLog.objects.count() == 2
    assert not Session.objects.exists()
    code = shown(staff)
    assert attempt(client, otp=code).status_code == 302
    assert client.get(INDEX).status_code == 200
    other = Client()
    assert "used already" in said(attempt(other, otp=code))
    assert attempt(other, otp=codes[0]).status_code == 302
    assert "used already" in said(attempt(Client(), otp=codes[0]))
    rows = AuditEvent.objects.filter(event="authn_login_success").order_by("number")
    assert [row.details["factor"] for row in rows] == ["totp", "recovery"]


@pytest.mark.parametrize(
    "form", [{}, {"username": "stefan"}, {"username": "a\0b", "password": "x"}]
)
def test_an_incomplete_form_is_no_attempt(
    client: Client, staff: Agent, form: dict[str, str]
) -> None:
    """Nothing is counted."""
    assert client.post(LOGIN, form).status_code == 200
    assert not AccessFailureLog.objects.exists()


def test_the_password_is_never_shown_again(client: Client, staff: Agent) -> None:
    """Nor is the code, when something else was wrong."""
    page = attempt(client, password="my very secret", otp="123456").content.decode()
    assert "my very secret" not in page
    assert not re.search(r'type="password"[^>]*value', page)


# The second factor comes first.


@pytest.fixture
def production(settings: Settings) -> None:
    """As on a real installation."""
    settings.HQ_DEVELOPMENT = False


PAGES = (
    "admin:index",
    "admin:password_change",
    "admin:agents_agent_changelist",
    "admin:agents_agent_add",
    "admin:agents_session_changelist",
    "admin:agents_connection_changelist",
    "admin:agents_auditevent_changelist",
    "admin:missions_mission_changelist",
    "admin:jsi18n",
)


@pytest.mark.parametrize("page", PAGES)
def test_in_production_staff_without_a_second_factor_are_led_to_it(
    production: None, client: Client, staff: Agent, page: str
) -> None:
    """From every page, by every method."""
    attempt(client)
    for response in (client.get(reverse(page)), client.post(reverse(page), {"post": "yes"})):
        assert (response.status_code, response["Location"]) == (302, SECOND_FACTOR)


def test_no_page_of_the_admin_is_before_the_second_factor(
    production: None, client: Client, staff: Agent
) -> None:
    """Every path that there is, but the way in, the way out, and the second factor itself."""
    attempt(client)
    reached = 0
    for pattern in admin.site.get_urls():
        if getattr(pattern, "name", None) in ("login", "logout", "second_factor"):
            continue
        for one in getattr(pattern, "url_patterns", [pattern]):
            request = client.get(INDEX).wsgi_request
            response = one.callback(request, **dict.fromkeys(one.pattern.regex.groupindex, "1"))
            assert response["Location"] == SECOND_FACTOR, one
            reached += 1
    assert reached > 30


def test_in_production_it_is_reached_with_one(
    production: None, client: Client, staff: Agent
) -> None:
    """Who has set it is asked for it and then let in."""
    enrol(staff)
    attempt(client, otp=shown(staff))
    assert client.get(INDEX).status_code == 200


def test_who_has_none_can_still_leave(production: None, client: Client, staff: Agent) -> None:
    """Logging out is always possible."""
    attempt(client)
    client.post(reverse("admin:logout"))
    assert not staff.sessions.filter(ended_at=None).exists()


def test_in_development_it_is_offered_and_not_asked_for(client: Client, staff: Agent) -> None:
    """The page is linked from everywhere."""
    attempt(client)
    assert SECOND_FACTOR.encode() in client.get(INDEX).content


def test_setting_one_opens_the_rest(production: None, client: Client, staff: Agent) -> None:
    """In the same session, at once."""
    attempt(client)
    client.post(SECOND_FACTOR, {"step": "begin", "password": PASSWORD})
    client.post(SECOND_FACTOR, {"step": "confirm", "otp": shown(staff)})
    assert client.get(INDEX).status_code == 200
    forget_use(staff)
    assert attempt(Client(), otp=shown(staff)).status_code == 302


def test_what_is_shut_is_in_the_security_log(
    production: None, client: Client, staff: Agent, own_notebook: notebook.Notebook
) -> None:
    """A page that waits for the second factor, and one that an ended login asks for."""
    attempt(client)
    client.get(INDEX)
    sessions.end_sessions(staff.pk, reason="administrator")
    client.get(INDEX)
    entries = own_notebook._take(everything=True)
    assert [(one.event, one.details["reason"], one.actor) for one in entries] == [
        ("authz_fail", "second_factor GET /admin/", staff.pk),
        ("authn_token_refused", "token_invalid admin", None),
    ]


def test_who_is_not_in_is_led_to_the_login_from_everywhere(db: None, client: Client) -> None:
    """The second factor's page too."""
    for page in (*PAGES, "admin:second_factor"):
        assert client.get(reverse(page))["Location"].startswith(LOGIN)
