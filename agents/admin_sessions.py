"""Logins to the admin as sessions like any other: rows that are listed, checked and ended.

Django's own session carries nothing but the id of a `Session` of kind `admin`; without a standing
one its cookie is worth nothing. Each request is checked by one query, for session, agent and second
factor together, and each login, logout and lifetime is written here. A session of the admin lasts
8 hours, used or not (ASVS 5.0: 7.3.1, 7.3.2, 7.4.1, 7.4.2). Called by `agents.admin`.
"""

import contextlib
import datetime as dt
from dataclasses import dataclass
from functools import partial
from typing import Any
from uuid import UUID

from django.contrib.auth import HASH_SESSION_KEY, SESSION_KEY, logout
from django.contrib.auth.middleware import AuthenticationMiddleware
from django.contrib.auth.models import AnonymousUser
from django.contrib.auth.signals import user_logged_in, user_logged_out
from django.db import transaction
from django.db.models.functions import Now
from django.dispatch import receiver
from django.http import HttpRequest
from django.utils import timezone
from django.utils.crypto import constant_time_compare
from django.utils.functional import SimpleLazyObject

from agents import audit, enrolment, lockout, logins, notebook, sessions
from agents.addresses import client_address
from agents.errors import InvalidCredentials, Unavailable
from agents.logins import Proof
from agents.models import Agent, Session
from agents.sessions import Authenticated

LIFETIME = dt.timedelta(hours=8)

SESSION_ID = "hq_session"
"""Under which name Django's session keeps the id."""


@dataclass(frozen=True, slots=True)
class Entered:
    """Who is in the admin: a standing session of an active agent who is staff."""

    session: Session
    must_enrol: bool


class AdminSessionMiddleware(AuthenticationMiddleware):
    """Django's `request.user`, by the session's row: nobody without one."""

    def process_request(self, request: HttpRequest) -> None:
        """Looks when somebody asks, once a request."""
        super().process_request(request)
        vars(request)["user"] = SimpleLazyObject(partial(_user_of, request))
        vars(request)["auser"] = partial(_auser_of, request)


def entered(request: HttpRequest) -> Entered | None:
    """Who is in; None for nobody. Asks the database once a request."""
    known = vars(request)
    if "hq_entered" not in known:
        known["hq_entered"] = _standing(request)
    found: Entered | None = known["hq_entered"]
    return found


def caller(request: HttpRequest) -> Authenticated:
    """Who asks, as services take it; the admin lets nobody in who has not entered."""
    found = entered(request)
    if found is None:
        raise TypeError("The admin was reached without a login.")
    return Authenticated(found.session.agent, found.session, found.session.expires_at)


def by(request: HttpRequest) -> dict[str, Any]:
    """Who asks from where, as the audit log takes it."""
    return {"actor": caller(request).agent.pk, "address": address_of(request)}


def must_enrol(request: HttpRequest) -> bool:
    """Whether who asks has to set a second factor first."""
    found = entered(request)
    return found is not None and found.must_enrol


def address_of(request: HttpRequest) -> str | None:
    """The client's address; what proxies say was dealt with before."""
    return client_address(request.META.get("REMOTE_ADDR"), (), ())


def leave(request: HttpRequest) -> None:
    """Ends the session that the request came with, if any, so that a login begins afresh."""
    if SESSION_ID in request.session:
        logout(request)


def proved_by(request: HttpRequest, proof: Proof) -> None:
    """Says what the login that follows was proved with."""
    vars(request)["hq_proof"] = proof


def failed(request: HttpRequest) -> None:
    """The login was proved and could not begin: nothing of it stays but its row in the log."""
    request.session.flush()
    proof: Proof | None = vars(request).get("hq_proof")
    if proof is not None:
        logins.note_failure(InvalidCredentials(), proof.agent, address_of(request))
        # However long it took, the answer is the login page and tells nothing.
        with contextlib.suppress(Unavailable):
            lockout.fail(proof.attempt)


@receiver(user_logged_in)
def _begin(sender: type[Agent], request: HttpRequest, user: Agent, **kwargs: Any) -> None:
    address = address_of(request)
    proof: Proof | None = vars(request).get("hq_proof")
    with transaction.atomic():
        session = sessions.open_session(
            user,
            kind=Session.Kind.ADMIN,
            address=address,
            user_agent=request.META.get("HTTP_USER_AGENT", ""),
            expires_at=timezone.now() + LIFETIME,
            proved=proof.proved if proof else None,
        )
        if proof:
            lockout.complete(proof.attempt)
        audit.record(
            "authn_login_success",
            actor=user.pk,
            subject=user.pk,
            session=session.pk,
            address=address,
            factor=proof.factor if proof else "none",
        )
    request.session[SESSION_ID] = str(session.pk)
    vars(request).pop("hq_entered", None)


@receiver(user_logged_out)
def _end(sender: type[Agent], request: HttpRequest, user: Agent | None, **kwargs: Any) -> None:
    said = request.session.get(SESSION_ID)
    if said is not None:
        actor = user.pk if isinstance(user, Agent) else None
        sessions.end_session(UUID(said), "logout", actor=actor, address=address_of(request))
    vars(request).pop("hq_entered", None)


def _standing(request: HttpRequest) -> Entered | None:
    said = request.session.get(SESSION_ID)
    if said is not None:
        session = (
            Session.objects.select_related("agent")
            .annotate(must_enrol=enrolment.must_enrol())
            .filter(
                id=said,
                kind=Session.Kind.ADMIN,
                ended_at=None,
                expires_at__gt=Now(),
                agent__is_active=True,
                agent__is_staff=True,
            )
            .first()
        )
        if session is not None and _same_password(request, session.agent):
            return Entered(session, session.must_enrol)
    if said is not None or SESSION_KEY in request.session:
        notebook.refused("authn_token_refused", "token_invalid admin", address_of(request))
        request.session.flush()
    return None


def _same_password(request: HttpRequest, agent: Agent) -> bool:
    # A password that was changed past `agents.accounts` ends no session's row, but this login.
    said = request.session.get(HASH_SESSION_KEY, "")
    return constant_time_compare(said, agent.get_session_auth_hash())


def _user_of(request: HttpRequest) -> Agent | AnonymousUser:
    found = entered(request)
    return AnonymousUser() if found is None else found.session.agent


async def _auser_of(request: HttpRequest) -> Agent | AnonymousUser:
    return _user_of(request)
