"""Logging in: the one place where passwords and second factors are verified.

Whatever is wrong with a name or password (unknown, wrong, disabled, without a password) takes the
time of one verification and is one answer (ASVS 5.0, 6.3.8). Every attempt goes through
`agents.lockout`; every failure and every login is in the audit log. A flood of logins waits its
turn instead of taking the memory. Called by the API and by the backend that Django's admin asks.
"""

import functools
import threading
from typing import NamedTuple

from django.contrib.auth.hashers import check_password, make_password
from django.db import transaction
from django.db.models.functions import Now

from agents import audit, lockout, mfa, notebook, sessions
from agents.errors import (
    InvalidCredentials,
    NotFound,
    OtpRequired,
    TokenInvalid,
    Unauthorized,
    Unavailable,
)
from agents.lockout import Attempt
from agents.models import Agent, Session
from agents.selectors import agent_named
from agents.sessions import Proved

VERIFYING = 4
"""Passwords that a process verifies at once: each takes 100 MiB while it does (argon2)."""
VERIFY_WITHIN = 10.0

_verifying = threading.BoundedSemaphore(VERIFYING)


class Proof(NamedTuple):
    """An agent who proved who it is; `factor` is the second one: `totp`, `recovery`, `none`."""

    agent: Agent
    factor: str
    attempt: Attempt

    @property
    def proved(self) -> Proved:
        """What has to hold still when the session is opened."""
        return Proved(self.agent.password, self.factor != "none")


def log_in(
    username: str,
    password: str,
    otp: str | None = None,
    *,
    address: str | None = None,
    user_agent: str = "",
) -> Session:
    """A new session. `InvalidCredentials`; `OtpRequired` when only the code is missing or wrong;
    `RateLimited` after too many failures.
    """
    proof = prove(username, password, otp, address=address)
    agent = proof.agent
    try:
        with transaction.atomic():
            session = sessions.open_session(
                agent, address=address, user_agent=user_agent, proved=proof.proved
            )
            Agent.objects.filter(id=agent.id).update(last_login=Now())
            lockout.complete(proof.attempt)
            audit.record(
                "authn_login_success",
                actor=agent.id,
                subject=agent.id,
                session=session.id,
                address=address,
                factor=proof.factor,
            )
    except TokenInvalid:
        refusal = InvalidCredentials()
        note_failure(refusal, agent, address)
        lockout.fail(proof.attempt)
        raise refusal from None
    return session


def prove(
    username: str, password: str, otp: str | None = None, *, address: str | None = None
) -> Proof:
    """Who knows this password and, where one is set, holds the second factor; refuses as `log_in`.

    The attempt is pending until the caller completes or withdraws it.
    """
    attempt = lockout.begin(username, address)
    if not _verifying.acquire(timeout=VERIFY_WITHIN):
        lockout.withdraw(attempt)
        raise Unavailable
    try:
        agent, right = _password_checked(username, password)
    finally:
        _verifying.release()
    try:
        if agent is None or not right:
            raise InvalidCredentials
        proof = Proof(agent, mfa.check(agent, otp), attempt)
    except Unauthorized as refusal:
        note_failure(refusal, agent, address)
        lockout.fail(attempt)
        raise
    lockout.in_time(attempt)
    return proof


def prove_again(
    agent: Agent, password: str, otp: str | None = None, *, address: str | None = None
) -> None:
    """Has somebody who is logged in prove it, before credentials change; refuses as `log_in`."""
    lockout.withdraw(prove(agent.username, password, otp, address=address).attempt)


def _password_checked(username: str, password: str) -> tuple[Agent | None, bool]:
    nobody = _nobodys_password()
    try:
        agent = agent_named(username)
    except NotFound:
        agent = None
    if agent is not None and agent.is_active and agent.has_usable_password():
        return agent, agent.check_password(password)
    check_password(password, nobody)
    return agent, False


def note_failure(refusal: Unauthorized, agent: Agent | None, address: str | None) -> None:
    """Writes a failed login into the audit log, whoever it was said to be by."""
    reason = refusal.code
    if isinstance(refusal, OtpRequired) and refusal.message != OtpRequired.default_message:
        reason = "otp_wrong"
    # Folded for those who exist too: how much is written must not tell who does.
    subject = agent.id if agent is not None else None
    notebook.refused("authn_login_fail", reason, address, subject=subject)


@functools.cache
def _nobodys_password() -> str:
    # Made once, with today's parameters: checking it costs what checking a real one does.
    return make_password("nobody's password")
