"""What staff change about themselves in the admin: password and second factor."""

import base64
import re
from typing import Any

import pytest
from axes.models import AccessFailureLog
from django.conf import settings
from django.test import Client
from django.urls import reverse

from agents.enrolment import enrolled
from agents.logins import log_in
from agents.models import Agent, AuditEvent, RecoveryCode
from agents.sessions import open_session
from agents.tests.authenticator import enrol, forget_use, shown
from agents.tests.conftest import PASSWORD, MakeAgent

pytestmark = pytest.mark.django_db

INDEX = reverse("admin:index")
PASSWORD_PAGE = reverse("admin:password_change")
SECOND_FACTOR = reverse("admin:second_factor")
NEW = "another long password"


@pytest.fixture
def staff(make_agent: MakeAgent) -> Agent:
    """Somebody who is staff."""
    return make_agent("stefan", is_staff=True)


@pytest.fixture
def pages(staff: Agent) -> Client:
    """The admin as that agent has it."""
    client = Client()
    client.force_login(staff)
    return client


def form(**changes: str) -> dict[str, str]:
    """The form of a new password."""
    return {"current_password": PASSWORD, "new_password": NEW, "again": NEW} | changes


def wrong(response: Any) -> set[str]:
    """The fields that the page marks; `__all__` for what stands above the form."""
    assert response.status_code == 200
    return set(response.context["form"].errors)


def step(pages: Client, name: str, **fields: str) -> Any:
    """One step of the second factor."""
    return pages.post(SECOND_FACTOR, {"step": name, **fields})


def test_a_new_password_ends_the_other_sessions_and_not_this_one(
    pages: Client, staff: Agent
) -> None:
    """It is audited, and the session's cookie is a new one."""
    other, cookie = open_session(staff), pages.cookies[settings.SESSION_COOKIE_NAME].value
    assert pages.post(PASSWORD_PAGE, form())["Location"] == INDEX
    other.refresh_from_db()
    assert other.ended_reason == "password_changed"
    assert pages.get(INDEX).status_code == 200
    assert pages.cookies[settings.SESSION_COOKIE_NAME].value != cookie
    row = AuditEvent.objects.get(event="authn_password_change")
    assert (row.actor, row.subject, row.address) == (staff.pk, staff.pk, "127.0.0.1")
    assert log_in("stefan", NEW)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"current_password": "wrong"}, "__all__"),
        ({"new_password": "short", "again": "short"}, "new_password"),
        ({"again": "something else"}, "again"),
        ({"new_password": ""}, "new_password"),
    ],
)
def test_a_password_that_is_not_proved_or_too_weak_changes_nothing(
    pages: Client, staff: Agent, changes: dict[str, str], field: str
) -> None:
    """The page says where; nothing that was typed comes back."""
    response = pages.post(PASSWORD_PAGE, form(**changes))
    assert field in wrong(response)
    assert NEW not in response.content.decode()
    assert log_in("stefan", PASSWORD)


def test_who_has_a_second_factor_needs_it_for_a_new_password(pages: Client, staff: Agent) -> None:
    """A wrong one counts as a failure."""
    enrol(staff)
    pages.force_login(staff)
    assert wrong(pages.post(PASSWORD_PAGE, form())) == {"__all__"}
    assert wrong(pages.post(PASSWORD_PAGE, form(otp="000000"))) == {"__all__"}
    assert AccessFailureLog.objects.count() == 2
    assert pages.post(PASSWORD_PAGE, form(otp=shown(staff)))["Location"] == INDEX


def test_ones_own_password_is_not_set_without_the_old_one(pages: Client, staff: Agent) -> None:
    """The page for others' leads to the own, also by post."""
    page = reverse("admin:auth_user_password_change", args=[staff.pk])
    said = {"usable_password": "true", "password1": NEW, "password2": NEW}
    for answer in (pages.get(page), pages.post(page, said)):
        assert answer["Location"] == PASSWORD_PAGE
    assert log_in("stefan", PASSWORD)


def test_a_second_factor_is_set_with_a_picture_a_code_and_recovery_codes(
    pages: Client, staff: Agent
) -> None:
    """The picture is an SVG that the page's policy lets through; the codes are shown once."""
    other = open_session(staff)
    begun = step(pages, "begin", password=PASSWORD).content.decode()
    secret = re.search(r"<code>([A-Z2-7]{32})</code>", begun)
    assert secret is not None
    assert base64.b32decode(secret[1])
    assert 'src="data:image/svg+xml' in begun
    assert not enrolled(staff)
    done = step(pages, "confirm", otp=shown(staff))
    codes = re.findall(r"<li><code>([A-Z2-7-]+)</code></li>", done.content.decode())
    assert len(codes) == RecoveryCode.objects.filter(agent=staff).count() == 10
    assert "no-store" in done["Cache-Control"]
    assert enrolled(staff)
    other.refresh_from_db()
    assert other.ended_reason == "mfa_changed"
    assert pages.get(INDEX).status_code == 200
    assert log_in("stefan", PASSWORD, codes[0])
    again = pages.get(SECOND_FACTOR).content.decode()
    assert codes[1] not in again
    assert secret[1] not in again


@pytest.mark.parametrize("password", ["wrong", ""])
def test_beginning_takes_the_password(pages: Client, staff: Agent, password: str) -> None:
    """Who found an open browser cannot take the account over."""
    assert wrong(step(pages, "begin", password=password))
    assert not staff.totpdevice_set.exists()  # type: ignore[attr-defined]


def test_a_wrong_first_code_can_be_tried_again(pages: Client, staff: Agent) -> None:
    """Nothing is in force before, and the secret is not shown a second time."""
    step(pages, "begin", password=PASSWORD)
    again = step(pages, "confirm", otp="000000")
    assert wrong(again) == {"otp"}
    assert b"data:image/svg" not in again.content
    assert not enrolled(staff)
    step(pages, "confirm", otp=shown(staff))
    assert enrolled(staff)


def test_confirming_without_beginning_is_refused(pages: Client, staff: Agent) -> None:
    """The page says what to do."""
    response = step(pages, "confirm", otp="000000")
    assert wrong(response) == {"__all__"}
    assert "Begin with the enrolment" in response.content.decode()


def test_one_that_is_set_is_removed_with_password_and_code(pages: Client, staff: Agent) -> None:
    """Neither alone is enough, and beginning anew is not possible meanwhile."""
    enrol(staff)
    pages.force_login(staff)
    assert wrong(step(pages, "begin", password=PASSWORD)) == {"__all__"}
    assert wrong(step(pages, "remove", password=PASSWORD, otp="000000")) == {"__all__"}
    assert wrong(step(pages, "remove", password="wrong", otp=shown(staff))) == {"__all__"}
    assert wrong(step(pages, "remove", password=PASSWORD)) == {"otp"}
    assert enrolled(staff)
    forget_use(staff)
    step(pages, "remove", password=PASSWORD, otp=shown(staff))
    assert not enrolled(staff)
    assert pages.get(INDEX).status_code == 200


def test_a_step_that_is_none_shows_the_page(pages: Client) -> None:
    """And does nothing."""
    assert wrong_free(step(pages, "x"))
    assert wrong_free(pages.post(SECOND_FACTOR))


def wrong_free(response: Any) -> bool:
    """A page without a complaint."""
    return response.status_code == 200 and not response.context["form"].errors
