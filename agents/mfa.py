"""The second factor: a TOTP authenticator (RFC 6238) by django-otp, and recovery codes of our own.

Owns enrolment, verification and removal. No code works twice: django-otp keeps the last step that
was used, under a row lock; a recovery code is spent by a conditional UPDATE. Recovery codes have
120 bits and are kept as SHA-256 alone (ASVS 5.0, 6.5.2). Counts the wrong codes of an enrolment;
all other failures `agents.lockout` counts, through `agents.logins`. Every change ends the agent's
other sessions and is audited with it.
"""

import base64
import datetime as dt
import hashlib
import re
import secrets
from typing import Any, NamedTuple
from uuid import UUID

from django.db import transaction
from django.db.models.functions import Now
from django_otp import verify_token
from django_otp.plugins.otp_totp.models import TOTPDevice

from agents import audit, live, notebook, sessions
from agents.enrolment import enrolled
from agents.errors import Conflict, Invalid, OtpRequired
from agents.models import Agent, RecoveryCode
from agents.sessions import Authenticated

RECOVERY_CODES = 10
PENDING = dt.timedelta(minutes=15)
"""How long an enrolment may wait for its first code."""

GUESSES = 5
"""Wrong first codes after which an enrolment is void."""

NOT_SHOWN = "This is not the code that the authenticator shows now."
BEGIN_ANEW = "That was wrong too often: begin the enrolment anew."

_TOTP = re.compile(r"[0-9]{6}", re.ASCII)
_RECOVERY = re.compile(r"[A-Z2-7]{24}")


class Enrolment(NamedTuple):
    """A secret that is not in force yet: base32 for typing, and an `otpauth:` URI for a QR code."""

    secret: str
    uri: str


def recovery_codes_left(agent: Agent) -> int:
    """How many recovery codes were not used yet."""
    return RecoveryCode.objects.filter(agent=agent, used_at=None).count()


def require_none(agent: Agent) -> None:
    """`Conflict` when a second factor is in force."""
    if enrolled(agent):
        raise Conflict("A second factor is set already. Remove it first.")


def require_one(agent: Agent) -> None:
    """`Conflict` when no second factor is in force."""
    if not enrolled(agent):
        raise Conflict("No second factor is set.")


def check(agent: Agent, otp: str | None) -> str:
    """Spends a code; says what it was: `totp`, `recovery`, or `none` for who needs no code.

    `OtpRequired` without a good one.
    """
    device = TOTPDevice.objects.filter(user=agent, confirmed=True).first()
    if device is None:
        return "none"
    if not otp:
        raise OtpRequired
    code = re.sub(r"[\s-]", "", otp).upper()
    if _TOTP.fullmatch(code) and verify_token(agent, device.persistent_id, code):
        return "totp"
    if _RECOVERY.fullmatch(code) and _spend(agent, code):
        return "recovery"
    raise OtpRequired("The one-time code is wrong or was used already.")


def enrol(agent: Agent) -> Enrolment:
    """A new secret, in force once a code of it was confirmed. `Conflict` when one is in force."""
    with transaction.atomic():
        _locked(agent)
        require_none(agent)
        TOTPDevice.objects.filter(user=agent).delete()
        device = TOTPDevice.objects.create(user=agent, name="authenticator", confirmed=False)
    secret = base64.b32encode(device.bin_key).decode().rstrip("=")
    return Enrolment(secret, device.config_url)


def confirm(caller: Authenticated, otp: str, *, address: str | None = None) -> list[str]:
    """Puts the enrolled secret in force and ends the other sessions; returns the recovery codes.

    They are shown this once. `Conflict` without an enrolment of the last 15 minutes, `Invalid` for
    a wrong code; five of them void the enrolment, and to begin anew takes the password.
    """
    agent, code = caller.agent, re.sub(r"\s", "", otp)
    pending = TOTPDevice.objects.filter(user=agent, confirmed=False, created_at__gt=Now() - PENDING)
    with transaction.atomic():
        _locked(agent)
        device = pending.first()
        if device is None:
            raise Conflict("Begin with the enrolment: there is none, or it has lapsed.")
        if not _TOTP.fullmatch(code):
            raise Invalid(NOT_SHOWN, field="otp")
        if verify_token(agent, device.persistent_id, code):
            TOTPDevice.objects.filter(pk=device.pk).update(confirmed=True)
            codes = _renew_codes(agent)
            by: dict[str, Any] = {"actor": agent.id, "address": address}
            sessions.end_sessions(agent.id, reason="mfa_changed", but=caller.session.id, **by)
            audit.record("mfa_enrolled", subject=agent.id, session=caller.session.id, **by)
            return codes
        # django-otp has counted it. Refused below: an exception here would take the count back.
        spent = TOTPDevice.objects.filter(pk=device.pk, throttling_failure_count__gte=GUESSES)
        void = bool(spent.delete()[0])
    reason = "otp_wrong_too_often" if void else "otp_wrong"
    notebook.refused("mfa_enrol_fail", reason, address, actor=agent.id, session=caller.session.id)
    raise Invalid(f"{NOT_SHOWN} {BEGIN_ANEW}" if void else NOT_SHOWN, field="otp")


def disable(caller: Authenticated, *, address: str | None = None) -> None:
    """Removes the caller's second factor; it has proved both. Its other sessions end."""
    remove(caller.agent, but=caller.session.id, actor=caller.agent.id, address=address)


def remove(agent: Agent, *, but: UUID | None = None, **by: Any) -> bool:
    """Removes a second factor and ends the sessions, all or all but one; False where none was set.

    `by`: the audit log's `actor` and `address`, where they are known.
    """
    with transaction.atomic():
        _locked(agent)
        was_set = enrolled(agent)
        TOTPDevice.objects.filter(user=agent).delete()
        RecoveryCode.objects.filter(agent=agent).delete()
        if was_set:
            sessions.end_sessions(agent.id, reason="mfa_changed", but=but, **by)
            audit.record("mfa_disabled", subject=agent.id, session=but, **by)
            # Staff may need one: the sockets of the session that stays are looked at too.
            transaction.on_commit(lambda: live.notify_agents([agent.id]))
    return was_set


def _spend(agent: Agent, code: str) -> bool:
    with transaction.atomic():
        unused = RecoveryCode.objects.filter(agent=agent, digest=_digest(code), used_at=None)
        if not unused.update(used_at=Now()):
            return False
        left = recovery_codes_left(agent)
        audit.record("mfa_recovery_code_used", actor=agent.id, subject=agent.id, left=left)
    return True


def _renew_codes(agent: Agent) -> list[str]:
    raw = [base64.b32encode(secrets.token_bytes(15)).decode() for _ in range(RECOVERY_CODES)]
    RecoveryCode.objects.filter(agent=agent).delete()
    RecoveryCode.objects.bulk_create(
        RecoveryCode(agent=agent, digest=_digest(code)) for code in raw
    )
    return ["-".join(re.findall("....", code)) for code in raw]


def _digest(code: str) -> str:
    return hashlib.sha256(code.encode()).hexdigest()


def _locked(agent: Agent) -> None:
    Agent.objects.select_for_update(no_key=True).get(id=agent.id)
