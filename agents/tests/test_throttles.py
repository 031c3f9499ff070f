"""How fast REST may be called, by an address and by an agent."""

import time

import pytest
from django.test import Client
from pytest_django.fixtures import Settings

from agents.api import throttles
from agents.api.throttles import Buckets
from agents.sessions import TokenPair, issue_access, open_session
from agents.tests.calls import bearer, refused
from agents.tests.conftest import MakeAgent

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every test begins with callers that have not called yet."""
    monkeypatch.setattr(throttles, "_buckets", Buckets())


def test_a_burst_is_let_through_and_then_the_rate() -> None:
    """A refused call says how long to wait, and costs nothing."""
    buckets = Buckets()
    assert [buckets.take("a", 1, 3) for _ in range(3)] == [0, 0, 0]
    first, second = buckets.take("a", 1, 3), buckets.take("a", 1, 3)
    assert 0 < second <= first <= 1
    assert buckets.take("b", 1, 3) == 0


def test_calls_come_back_with_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Up to the burst and no further."""
    buckets, now = Buckets(), 100.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    for _ in range(2):
        buckets.take("a", 10, 2)
    assert buckets.take("a", 10, 2) == pytest.approx(0.1)
    now += 0.15
    assert buckets.take("a", 10, 2) == 0
    now += 3_600
    assert [buckets.take("a", 10, 2) > 0 for _ in range(3)] == [False, False, True]


def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever called longest ago is forgotten first."""
    monkeypatch.setattr(throttles, "MOST_KEPT", 3)
    buckets = Buckets()
    for caller in ("a", "b", "c", "a", "d"):
        buckets.take(caller, 1, 5)
    assert list(buckets._kept) == ["c", "a", "d"]


def test_an_address_is_held_before_its_token_is_read(http: Client, settings: Settings) -> None:
    """A flood of bad tokens is answered without a query; others are not touched."""
    settings.HQ_ADDRESS_CALL_BURST, settings.HQ_ADDRESS_CALLS_PER_SECOND = 5, 1
    answers = [http.get("/api/auth/me", headers=bearer("x.y.z")) for _ in range(7)]
    assert [one.status_code for one in answers] == [401] * 5 + [429] * 2
    assert refused(answers[-1], 429, "rate_limited")
    assert answers[-1]["Retry-After"] == "1"
    elsewhere = http.get("/api/auth/me", headers=bearer("x.y.z"), REMOTE_ADDR="192.0.2.7")
    assert elsewhere.status_code == 401


def test_an_agent_is_held_over_all_its_sessions_and_alone(
    pair: TokenPair, make_agent: MakeAgent, http: Client, settings: Settings
) -> None:
    """By whatever token, from whatever address."""
    settings.HQ_CALL_BURST, settings.HQ_CALLS_PER_SECOND = 3, 1
    bob, _ = issue_access(open_session(make_agent("bob")))
    answers = [
        http.get("/api/auth/me", headers=bearer(pair.access), REMOTE_ADDR=f"192.0.2.{number}")
        for number in range(4)
    ]
    assert [one.status_code for one in answers] == [200, 200, 200, 429]
    assert http.get("/api/auth/me", headers=bearer(bob)).status_code == 200
