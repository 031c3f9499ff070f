"""Logging in: one answer for all that is wrong, one count of all that fails, one row for each."""

from collections.abc import Callable
from contextlib import ExitStack
from typing import Any, ClassVar

import pytest
from axes.models import AccessFailureLog
from django.contrib.auth import hashers
from pytest_django.fixtures import Settings

from agents import accounts, logins
from agents.errors import (
    InvalidCredentials,
    OtpRequired,
    RateLimited,
    TokenInvalid,
    Unavailable,
)
from agents.logins import log_in, prove, prove_again
from agents.models import Agent, AuditEvent, Session
from agents.notebook import Notebook
from agents.sessions import Proved, open_session
from agents.tests.authenticator import enrol, shown
from agents.tests.conftest import PASSWORD, MakeAgent

pytestmark = pytest.mark.django_db
HERE = "192.0.2.7"


class CountingHasher(hashers.MD5PasswordHasher):
    """The tests' hasher, which keeps what it was asked to verify."""

    seen: ClassVar[list[str]] = []

    def verify(self, password: str, encoded: str) -> bool:
        """As it does."""
        self.seen.append(password)
        return super().verify(password, encoded)


def test_every_refused_login_costs_one_verification(
    make_agent: MakeAgent, settings: Settings
) -> None:
    """Unknown, wrong, disabled, without a password: the hasher runs once for each."""
    make_agent("ada")
    make_agent("disabled", is_active=False)
    mute = make_agent("mute")
    mute.set_unusable_password()
    mute.save()
    settings.PASSWORD_HASHERS = [f"{CountingHasher.__module__}.CountingHasher"]
    seen = CountingHasher.seen
    for username, password in (
        ("nobody", PASSWORD),
        ("ada", "wrong"),
        ("disabled", PASSWORD),
        ("mute", PASSWORD),
        ("ada", PASSWORD),
    ):
        seen.clear()
        try:
            log_in(username, password)
        except InvalidCredentials:
            assert (username, password) != ("ada", PASSWORD)
        assert len(seen) == 1


def test_the_password_of_nobody_is_made_once() -> None:
    """Else the first unknown name would take twice as long each time."""
    assert logins._nobodys_password() is logins._nobodys_password()


def test_a_login_is_audited_with_its_session(agent: Agent) -> None:
    """In its transaction: session and login, by whom and from where."""
    session = log_in("ada", PASSWORD, address=HERE)
    rows = {row.event: row for row in AuditEvent.objects.all()}
    assert set(rows) == {"session_created", "authn_login_success"}
    for row in rows.values():
        assert (row.subject, row.session, row.address) == (agent.id, session.id, HERE)
    assert rows["authn_login_success"].details == {"factor": "none"}


def test_failures_are_noted_alike_for_agents_and_for_nobody(
    agent: Agent, own_notebook: Notebook
) -> None:
    """Folded. The name that was typed is not kept: it may be a password."""
    for username in ("ada", "nobody", "nowhere"):
        with pytest.raises(InvalidCredentials):
            log_in(username, "wrong", address=HERE)
    known, unknown = own_notebook._take(everything=True)
    said = {"reason": "invalid_credentials"}
    assert (known.actor, known.subject, known.details) == (None, agent.id, {**said, "count": 1})
    assert (unknown.subject, unknown.details) == (None, {**said, "count": 2})
    assert {known.event, unknown.event} == {"authn_login_fail"}


def test_the_right_password_waits_too_after_five_wrong_ones(agent: Agent) -> None:
    """And lets in again once its wait is over."""
    for _ in range(5):
        with pytest.raises(InvalidCredentials):
            log_in("ada", "wrong", address=HERE)
    with pytest.raises(RateLimited):
        log_in("ada", PASSWORD, address=HERE)
    assert not Session.objects.exists()
    assert log_in("ada", PASSWORD, address="198.51.100.9")


def test_a_second_factor_is_asked_for_after_the_password_alone(
    agent: Agent, own_notebook: Notebook
) -> None:
    """A code does not make a wrong password right, and tells nothing about it."""
    enrol(agent)
    with pytest.raises(InvalidCredentials):
        log_in("ada", "wrong", shown(agent))
    with pytest.raises(OtpRequired):
        log_in("ada", PASSWORD)
    with pytest.raises(OtpRequired):
        log_in("ada", PASSWORD, "000000000")
    said = [entry.details["reason"] for entry in own_notebook._take(everything=True)]
    assert said == ["invalid_credentials", "otp_required", "otp_wrong"]
    log_in("ada", PASSWORD, shown(agent))
    last = AuditEvent.objects.filter(event="authn_login_success").latest("number")
    assert last.details == {"factor": "totp"}


def test_missing_and_wrong_codes_count_and_a_complete_login_clears(agent: Agent) -> None:
    """The right password alone clears nothing."""
    codes = enrol(agent)
    for otp in (None, None, "123", "12345678"):
        with pytest.raises(OtpRequired):
            log_in("ada", PASSWORD, otp, address=HERE)
    assert AccessFailureLog.objects.count() == 4
    log_in("ada", PASSWORD, codes[0], address=HERE)
    assert not AccessFailureLog.objects.exists()
    for _ in range(5):
        with pytest.raises(OtpRequired):
            log_in("ada", PASSWORD, address=HERE)
    with pytest.raises(RateLimited):
        log_in("ada", PASSWORD, codes[1], address=HERE)


def test_a_password_that_is_asked_for_again_counts_as_a_login_does(agent: Agent) -> None:
    """A right one takes back only itself."""
    for _ in range(4):
        with pytest.raises(InvalidCredentials):
            prove_again(agent, "wrong", address=HERE)
    prove_again(agent, PASSWORD, address=HERE)
    assert AccessFailureLog.objects.count() == 4
    with pytest.raises(InvalidCredentials):
        prove_again(agent, "wrong", address=HERE)
    with pytest.raises(RateLimited):
        prove_again(agent, PASSWORD, address=HERE)
    assert Session.objects.count() == 0


def test_a_flood_of_logins_waits_its_turn(agent: Agent, monkeypatch: pytest.MonkeyPatch) -> None:
    """What gets none within its time is told so, and is no failure."""
    monkeypatch.setattr(logins, "VERIFY_WITHIN", 0.01)
    with ExitStack() as others:
        for _ in range(logins.VERIFYING):
            others.enter_context(logins._verifying)
        with pytest.raises(Unavailable):
            log_in("ada", PASSWORD, address=HERE)
    assert not AccessFailureLog.objects.exists()
    assert log_in("ada", PASSWORD, address=HERE)


def test_all_that_is_wrong_takes_the_same_queries(
    make_agent: MakeAgent, django_assert_num_queries: Any
) -> None:
    """No name is told from another by what the database is asked."""
    make_agent("ada")
    make_agent("disabled", is_active=False)
    with pytest.raises(InvalidCredentials):
        log_in("warm", "up")
    for username in ("nobody", "ada", "disabled"):
        with django_assert_num_queries(5), pytest.raises(InvalidCredentials):
            log_in(username, "wrong", address=HERE)


class InterruptedHasher(hashers.MD5PasswordHasher):
    """The tests' hasher, which has something happen, once, before it says whether it is right."""

    meanwhile: ClassVar[list[Callable[[], object]]] = []

    def verify(self, password: str, encoded: str) -> bool:
        """What it was given was read before."""
        while self.meanwhile:
            self.meanwhile.pop()()
        return super().verify(password, encoded)


def while_verifying(settings: Settings, change: Callable[[], object]) -> None:
    """Has something happen, once, after a password was read and before it turns out right."""
    InterruptedHasher.meanwhile[:] = [change]
    settings.PASSWORD_HASHERS = [f"{InterruptedHasher.__module__}.InterruptedHasher"]


def changed_password(agent: Agent) -> None:
    """As an operator sets one."""
    agent = Agent.objects.get(pk=agent.pk)
    agent.set_password("another long passphrase")
    accounts.save_password(agent)


def test_a_login_does_not_outlive_a_password_that_changed_while_it_was_verified(
    agent: Agent, own_notebook: Notebook, settings: Settings
) -> None:
    """It has failed: no session with the old one."""
    while_verifying(settings, lambda: changed_password(agent))
    with pytest.raises(InvalidCredentials):
        log_in("ada", PASSWORD, address=HERE)
    assert not Session.objects.exists()
    assert AccessFailureLog.objects.filter(ip_address=HERE, path_info="").count() == 1
    assert not AuditEvent.objects.filter(event="authn_login_success").exists()
    noted = own_notebook._take(everything=True)
    assert [entry.event for entry in noted] == ["authn_login_fail"]


def test_a_login_without_a_code_does_not_outlive_a_second_factor_set_meanwhile(
    agent: Agent,
) -> None:
    """A password alone is no proof any more when the session would open."""
    proof = prove("ada", PASSWORD)
    enrol(agent)
    with pytest.raises(TokenInvalid):
        open_session(agent, proved=proof.proved)
    assert open_session(agent, proved=Proved(proof.agent.password, factor=True))


def test_a_login_with_a_code_outlives_what_it_does_not_rest_on(
    agent: Agent, settings: Settings
) -> None:
    """A change of the account that ends no session ends no login that is on its way."""
    codes = enrol(agent)
    renamed = Agent.objects.filter(pk=agent.pk)
    while_verifying(settings, lambda: renamed.update(codename="Another"))
    assert log_in("ada", PASSWORD, codes[0], address=HERE)
