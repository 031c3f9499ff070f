"""The exchange of a refresh token for the next pair of its session.

Owns generations: which refresh token of a family is good, which was replayed, and what happens to
two tabs that refresh at once. Refuses by `TokenMissing`, `TokenInvalid` and `TokenExpired`. Called
by the API; sessions themselves are `agents.sessions`' business.
"""

import datetime as dt
from typing import Any

from django.db import transaction
from django.db.models import F
from django.db.models.functions import Now
from django.utils import timezone

from agents import audit
from agents.errors import TokenInvalid
from agents.models import Session
from agents.sessions import (
    TokenPair,
    end_session,
    issue_pair,
    locked_agent,
    read_refresh,
    refresh_expiry,
)
from agents.tokens import RefreshToken

GRACE = dt.timedelta(seconds=20)
"""How long the generation before the current one gets the current one again: two tabs."""


def rotate(refresh_token: str, *, address: str | None = None) -> tuple[Session, TokenPair]:
    """Exchanges a refresh token for the next pair of its session.

    The generation just before the current one gets the current one again within 20 s, so that two
    tabs that refresh at once both stay. Any other old generation was replayed: the session ends
    (RFC 9700, section 4.14.2; ASVS 5.0, 10.4.5). The agent's other sessions stay.
    """
    refresh = read_refresh(refresh_token)
    with transaction.atomic():
        agent = locked_agent(refresh.agent_id)
        session, now = _locked_session(refresh)
        session.agent = agent
        about: dict[str, Any] = {"subject": agent.id, "session": session.id, "address": address}
        if session.generation == refresh.generation:
            _advance(session)
        elif refresh.generation != session.generation - 1 or now - session.rotated_at > GRACE:
            end_session(session.id, "token_reuse", address=address)
            audit.record("authn_token_reuse", **about)
            session.ended_at = timezone.now()
        else:
            audit.record("token_grace", **about)
    if session.ended_at is not None:
        raise TokenInvalid
    return session, issue_pair(session)


def _locked_session(refresh: RefreshToken) -> tuple[Session, dt.datetime]:
    """The session of a refresh token, locked, standing, refreshable; and the database's time."""
    try:
        session = (
            Session.objects.select_for_update(no_key=True)
            .annotate(database_now=Now())
            .get(
                id=refresh.session_id,
                agent_id=refresh.agent_id,
                kind=Session.Kind.LOGIN,
                ended_at=None,
                expires_at__gt=Now(),
                refresh_expires_at__gt=Now(),
            )
        )
    except Session.DoesNotExist:
        raise TokenInvalid from None
    return session, session.database_now


def _advance(session: Session) -> None:
    # Compare-and-set: right even where row locks are not (SQLite has none).
    expires_at = refresh_expiry(timezone.now(), session.expires_at)
    moved = Session.objects.filter(id=session.id, generation=session.generation).update(
        generation=F("generation") + 1, rotated_at=Now(), refresh_expires_at=expires_at
    )
    if not moved:
        raise TokenInvalid
    session.generation += 1
    session.refresh_expires_at = expires_at
