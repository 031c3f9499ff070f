"""Django's own logins go through HQ's: the same count, the same second factor."""

import pytest
from axes.models import AccessFailureLog
from django.contrib.auth import authenticate
from django.http import HttpRequest
from django.test import RequestFactory

from agents.models import Agent
from agents.tests.authenticator import enrol, shown
from agents.tests.conftest import PASSWORD

pytestmark = pytest.mark.django_db


@pytest.fixture
def asked() -> HttpRequest:
    """A request from an address."""
    return RequestFactory().post("/admin/login/", REMOTE_ADDR="192.0.2.7")


def test_a_right_password_is_the_agent(agent: Agent, asked: HttpRequest) -> None:
    """And nothing else is."""
    assert authenticate(asked, username="ada", password=PASSWORD) == agent
    assert authenticate(asked, username="ada", password="wrong") is None
    assert authenticate(asked, username="nobody", password=PASSWORD) is None
    assert authenticate(asked) is None


def test_failures_count_and_the_sixth_attempt_waits(agent: Agent, asked: HttpRequest) -> None:
    """Whatever it says."""
    for _ in range(5):
        authenticate(asked, username="ada", password="wrong")
    assert authenticate(asked, username="ada", password=PASSWORD) is None
    assert AccessFailureLog.objects.count() == 5


def test_who_has_a_second_factor_needs_it_here_too(agent: Agent, asked: HttpRequest) -> None:
    """A login with it is complete and clears the failures."""
    enrol(agent)
    assert authenticate(asked, username="ada", password=PASSWORD) is None
    assert AccessFailureLog.objects.count() == 1
    assert authenticate(asked, username="ada", password=PASSWORD, otp=shown(agent)) == agent
    assert not AccessFailureLog.objects.exists()
