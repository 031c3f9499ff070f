"""Who guesses waits: by account and address, by address, by account; and nobody else does."""

import datetime as dt
import itertools
import threading

import pytest
from axes.handlers.proxy import AxesProxyHandler
from axes.models import AccessFailureLog, AccessLog
from django.core.management import call_command
from django.db import connection
from django.test import RequestFactory
from django.utils import timezone
from pytest_django.fixtures import Settings

from agents import lockout
from agents.errors import RateLimited, Unavailable
from agents.notebook import Notebook

pytestmark = pytest.mark.django_db
HERE, THERE = "192.0.2.7", "198.51.100.9"


def fail(username: str, address: str | None, times: int = 1) -> None:
    """So many attempts that were not good."""
    for _ in range(times):
        lockout.fail(lockout.begin(username, address))


def waits(username: str, address: str | None) -> bool:
    """Whether the next attempt is refused; it is not counted."""
    try:
        lockout.withdraw(lockout.begin(username, address))
    except RateLimited:
        return True
    return False


def age(seconds: float) -> None:
    """As if all failures had been so long ago."""
    for row in AccessFailureLog.objects.all():
        before = row.attempt_time - dt.timedelta(seconds=seconds)
        AccessFailureLog.objects.filter(pk=row.pk).update(attempt_time=before)


def test_the_pair_of_account_and_address_waits_after_five() -> None:
    """The account elsewhere and others here do not."""
    fail("ada", HERE, 4)
    assert not waits("ada", HERE)
    fail("ada", HERE)
    assert waits("ada", HERE)
    assert waits("ADA", HERE)
    assert not waits("ada", THERE)
    assert not waits("bob", HERE)


def test_an_address_waits_after_fifty_whatever_the_names() -> None:
    """One password tried on a hundred names."""
    for number in range(50):
        fail(f"name{number}", HERE)
    assert waits("ada", HERE)
    assert not waits("ada", THERE)


def test_an_account_waits_after_a_hundred_but_not_where_it_was_used_before() -> None:
    """Guesses from everywhere do not keep its agent out."""
    lockout.complete(lockout.begin("ada", HERE))
    for number in range(25):
        fail("ada", f"198.51.100.{number}", 4)
    assert waits("ada", "203.0.113.1")
    assert not waits("ada", HERE)
    assert not waits("bob", "203.0.113.1")
    AccessLog.objects.update(attempt_time=timezone.now() - dt.timedelta(days=91))
    assert waits("ada", HERE)


def test_a_wait_ends_by_itself_and_says_when() -> None:
    """Refused attempts do not prolong it; the account's ends after its hour."""
    fail("ada", HERE, 5)
    for _ in range(3):
        with pytest.raises(RateLimited) as refused:
            lockout.begin("ada", HERE)
        assert 895 <= refused.value.retry_after <= 901
    age(600)
    with pytest.raises(RateLimited) as refused:
        lockout.begin("ada", HERE)
    assert 295 <= refused.value.retry_after <= 301
    age(301)
    assert not waits("ada", HERE)
    for number in range(23):
        fail("ada", f"198.51.100.{number}", 4)
    fail("ada", "198.51.100.99", 3)
    assert waits("ada", "203.0.113.1")
    age(3_601)
    assert not waits("ada", "203.0.113.1")


def test_only_a_complete_login_clears_and_only_its_own_pair(settings: Settings) -> None:
    """What was merely good (a password asked for again) leaves earlier failures."""
    settings.HQ_LOGIN_FAILURES_PER_ADDRESS = 9
    fail("ada", HERE, 4)
    fail("bob", HERE, 4)
    lockout.withdraw(lockout.begin("ada", HERE))
    assert AccessFailureLog.objects.count() == 8
    lockout.complete(lockout.begin("ada", HERE))
    assert set(AccessFailureLog.objects.values_list("username", flat=True)) == {"bob"}


def test_ipv6_counts_by_its_network() -> None:
    """A /64 is what one customer has."""
    fail("ada", "2001:db8:1:2::1", 3)
    fail("ada", "2001:db8:1:2:ffff::2", 2)
    assert waits("ada", "2001:db8:1:2::3")
    assert not waits("ada", "2001:db8:1:3::1")


def test_without_an_address_only_accounts_count() -> None:
    """Else one guesser behind a unix socket would lock everybody out."""
    for number in range(60):
        fail(f"name{number}", None)
    assert not waits("ada", None)
    fail("ada", None, 5)
    assert waits("ada", None)


def test_refusals_are_noted_without_the_name(own_notebook: Notebook) -> None:
    """Folded by address and rule."""
    fail("ada", HERE, 5)
    for _ in range(7):
        assert waits("ada", HERE)
    (entry,) = own_notebook._take(everything=True)
    assert (entry.event, entry.address) == ("excess_rate_limit_exceeded", HERE)
    assert entry.details == {"reason": "login_pair", "count": 7}


def test_what_no_rule_counts_is_deleted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Once a minute, while people log in."""
    fail("ada", HERE, 3)
    age(3_601)
    monkeypatch.setattr(lockout, "_swept", float("-inf"))
    fail("bob", HERE)
    assert AccessFailureLog.objects.count() == 1


def test_what_django_axes_is_asked_is_the_same_rule() -> None:
    """Its handler sees the wait, and its command ends it."""
    request = RequestFactory().post("/", REMOTE_ADDR=HERE)
    fail("ada", HERE, 5)
    assert AxesProxyHandler.is_locked(request, {"username": "ada"})
    assert AxesProxyHandler.get_failures(request, {"username": "ada"}) == 5
    assert AxesProxyHandler.is_allowed(request, {"username": "bob"})
    call_command("axes_reset_username", "ada")
    assert not waits("ada", HERE)


def test_what_is_being_verified_makes_others_wait_for_a_moment_only() -> None:
    """Five logins at once are no five failures: the sixth may come again in a second."""
    running = [lockout.begin("ada", HERE) for _ in range(5)]
    with pytest.raises(RateLimited) as refused:
        lockout.begin("ada", HERE)
    assert refused.value.retry_after == 1
    assert not AxesProxyHandler.is_locked(
        RequestFactory().post("/", REMOTE_ADDR=HERE), {"username": "ada"}
    )
    for attempt in running[1:]:
        lockout.fail(attempt)
    with pytest.raises(RateLimited) as refused:
        lockout.begin("ada", HERE)
    assert refused.value.retry_after == 1
    lockout.complete(running[0])
    assert not waits("ada", HERE)


def test_an_attempt_whose_process_died_counts_for_fifteen_seconds() -> None:
    """It is no failure of whoever logged in."""
    for _ in range(5):
        lockout.begin("ada", HERE)
    age(14)
    assert waits("ada", HERE)
    age(2)
    assert not waits("ada", HERE)


def test_a_login_clears_no_attempt_that_is_still_verified() -> None:
    """A guess beside it counts until its own end, and then as what it was."""
    guess = lockout.begin("ada", HERE)
    lockout.complete(lockout.begin("ada", HERE))
    lockout.fail(guess)
    fail("ada", HERE, 3)
    assert not waits("ada", HERE)
    fail("ada", HERE)
    assert waits("ada", HERE)


def test_nobody_learns_of_a_guess_that_took_too_long() -> None:
    """It ceased to count, and another one may have been let in instead."""
    slow = lockout.begin("ada", HERE)
    slow = slow._replace(began=slow.began - 15.1)
    with pytest.raises(Unavailable):
        lockout.in_time(slow)
    with pytest.raises(Unavailable):
        lockout.fail(slow)
    fail("ada", HERE, 4)
    assert waits("ada", HERE)


@pytest.mark.django_db(transaction=True)
def test_guesses_at_the_same_instant_do_not_pass_the_limit() -> None:
    """Each counts before it is looked at."""
    start, passed = threading.Barrier(12), itertools.count()
    refused = itertools.count()

    def guess() -> None:
        start.wait()
        try:
            lockout.begin("ada", HERE)
            next(passed)
        except RateLimited:
            next(refused)
        finally:
            connection.close()

    threads = [threading.Thread(target=guess) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    let_in, kept_out = next(passed), next(refused)
    assert let_in + kept_out == 12
    assert let_in <= 5
