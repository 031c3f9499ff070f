"""The second factor: enrolled, asked for, spent once, removed."""

import datetime as dt
import re
import threading
from urllib.parse import parse_qs, urlsplit

import pytest
from django.db import connection
from django.utils import timezone
from django_otp.plugins.otp_totp.models import TOTPDevice

from agents import mfa
from agents.enrolment import enrolled
from agents.errors import Conflict, Invalid, OtpRequired
from agents.models import Agent, AuditEvent, RecoveryCode, Session
from agents.notebook import Notebook
from agents.sessions import Authenticated, open_session
from agents.tests.authenticator import enrol, forget_use, shown

pytestmark = pytest.mark.django_db


@pytest.fixture
def caller(agent: Agent, session: Session) -> Authenticated:
    """Ada, logged in."""
    return Authenticated(agent, session, session.expires_at)


def test_an_enrolment_is_not_in_force_before_its_first_code(caller: Authenticated) -> None:
    """Until then nobody is asked for one."""
    enrolment = mfa.enrol(caller.agent)
    assert re.fullmatch(r"[A-Z2-7]{32}", enrolment.secret)
    said = parse_qs(urlsplit(enrolment.uri).query)
    assert (said["secret"], said["issuer"]) == ([enrolment.secret], ["HQ"])
    assert mfa.check(caller.agent, None) == "none"
    mfa.confirm(caller, shown(caller.agent))
    with pytest.raises(OtpRequired):
        mfa.check(caller.agent, None)


def test_a_wrong_first_code_changes_nothing(caller: Authenticated) -> None:
    """The enrolment can still be confirmed."""
    mfa.enrol(caller.agent)
    for wrong in ("", "000000000", "abcdef", "１２３４５６", shown(caller.agent, steps=9)):  # noqa: RUF001
        with pytest.raises(Invalid):
            mfa.confirm(caller, wrong)
    assert not enrolled(caller.agent)
    assert len(mfa.confirm(caller, shown(caller.agent))) == 10


def test_five_wrong_first_codes_void_an_enrolment(
    caller: Authenticated, own_notebook: Notebook
) -> None:
    """Each is noted; the right one is too late then, and another enrolment begins at nothing."""
    for _ in range(2):
        mfa.enrol(caller.agent)
        good = shown(caller.agent)
        bad = f"{(int(good) + 500_000) % 1_000_000:06d}"
        for nth in range(1, 6):
            with pytest.raises(Invalid) as refused:
                mfa.confirm(caller, bad, address="192.0.2.7")
            assert ("begin the enrolment anew" in refused.value.message) is (nth == 5)
        with pytest.raises(Conflict):
            mfa.confirm(caller, good)
    noted = own_notebook._take(everything=True)
    assert {one.event for one in noted} == {"mfa_enrol_fail"}
    assert [(one.details["reason"], one.details["count"]) for one in noted] == [
        ("otp_wrong", 8),
        ("otp_wrong_too_often", 2),
    ]
    assert {(one.actor, one.session, one.address) for one in noted} == {
        (caller.agent.id, caller.session.id, "192.0.2.7")
    }
    mfa.enrol(caller.agent)
    assert mfa.confirm(caller, shown(caller.agent))


def test_an_enrolment_lapses(caller: Authenticated) -> None:
    """After 15 minutes; and without one there is nothing to confirm."""
    with pytest.raises(Conflict):
        mfa.confirm(caller, "123456")
    mfa.enrol(caller.agent)
    TOTPDevice.objects.update(created_at=timezone.now() - dt.timedelta(minutes=16))
    with pytest.raises(Conflict):
        mfa.confirm(caller, shown(caller.agent))


def test_a_new_enrolment_voids_the_one_before(caller: Authenticated) -> None:
    """One secret at a time."""
    mfa.enrol(caller.agent)
    before = shown(caller.agent)
    mfa.enrol(caller.agent)
    with pytest.raises(Invalid):
        mfa.confirm(caller, before)


def test_a_second_factor_in_force_is_not_replaced(caller: Authenticated) -> None:
    """It has to be removed first, which takes a code of it."""
    enrol(caller.agent)
    with pytest.raises(Conflict):
        mfa.enrol(caller.agent)
    mfa.require_one(caller.agent)
    mfa.disable(caller)
    mfa.require_none(caller.agent)


def test_no_code_works_twice(agent: Agent) -> None:
    """Nor one of an earlier step after a later one."""
    enrol(agent)
    code = shown(agent)
    assert mfa.check(agent, f"{code[:3]} {code[3:]}") == "totp"
    for spent in (code, shown(agent, steps=-1)):
        with pytest.raises(OtpRequired, match="wrong or was used"):
            mfa.check(agent, spent)
    assert mfa.check(agent, shown(agent, steps=1)) == "totp"


def test_a_code_is_good_for_its_step_and_those_beside_it(agent: Agent) -> None:
    """30 s, and as much before and after, for clocks that are off; no longer."""
    enrol(agent)
    for steps in (-3, 3):
        with pytest.raises(OtpRequired, match="wrong or was used"):
            mfa.check(agent, shown(agent, steps=steps))
    for steps in (-1, 1):
        assert mfa.check(agent, shown(agent, steps=steps)) == "totp"


def test_a_recovery_code_works_once_however_it_is_typed(agent: Agent) -> None:
    """Only its digest is kept, and its use is in the audit log."""
    codes = enrol(agent)
    assert len(set(codes)) == mfa.RECOVERY_CODES
    assert mfa.check(agent, codes[0].lower().replace("-", " ")) == "recovery"
    with pytest.raises(OtpRequired):
        mfa.check(agent, codes[0])
    assert not RecoveryCode.objects.filter(digest__in=codes).exists()
    assert AuditEvent.objects.get(event="mfa_recovery_code_used").details == {"left": 9}


def test_codes_of_another_agent_are_wrong(agent: Agent) -> None:
    """Each has its own."""
    bob = Agent.objects.create_user("bob", codename="bob the agent")
    codes = enrol(bob)
    enrol(agent)
    with pytest.raises(OtpRequired):
        mfa.check(agent, codes[0])


def test_changes_end_the_other_sessions_and_are_audited(caller: Authenticated) -> None:
    """The one that asks stays."""
    other = open_session(caller.agent)
    mfa.enrol(caller.agent)
    mfa.confirm(caller, shown(caller.agent), address="192.0.2.7")
    other.refresh_from_db()
    assert other.ended_reason == "mfa_changed"
    later = open_session(caller.agent)
    mfa.disable(caller, address="192.0.2.7")
    later.refresh_from_db()
    assert later.ended_reason == "mfa_changed"
    assert list(Session.objects.filter(ended_at=None)) == [caller.session]
    assert not RecoveryCode.objects.exists()
    for event in ("mfa_enrolled", "mfa_disabled"):
        row = AuditEvent.objects.get(event=event)
        assert (row.actor, row.session, row.address) == (
            caller.agent.id,
            caller.session.id,
            "192.0.2.7",
        )


@pytest.mark.django_db(transaction=True)
def test_of_two_uses_at_the_same_instant_one_wins(agent: Agent) -> None:
    """Of a code of the authenticator, and of a recovery code."""
    codes = enrol(agent)
    for code in (shown(agent), codes[0]):
        forget_use(agent)
        start = threading.Barrier(2)
        won: list[str] = []

        def use(code: str = code, start: threading.Barrier = start, won: list[str] = won) -> None:
            start.wait()
            try:
                won.append(mfa.check(agent, code))
            except OtpRequired:
                pass
            finally:
                connection.close()

        threads = [threading.Thread(target=use) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(20)
        assert len(won) == 1
