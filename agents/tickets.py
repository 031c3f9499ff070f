"""Tickets: single-use credentials for opening one WebSocket, good for 30 seconds.

A browser cannot put a header on a handshake, and a token in a URL ends up in logs: a ticket is
worth nothing once used. Owns the rows of `Ticket`, which hold the digest and never the value.
Called by the API, which gives tickets out, and by `agents.sockets`, which redeem them.
"""

import datetime as dt
import hashlib
import re
import secrets

from django.db.models.functions import Now

from agents.errors import TokenInvalid
from agents.models import Ticket
from agents.sessions import Authenticated, authenticated, standing_session

LIFETIME = dt.timedelta(seconds=30)

_FORM = re.compile(r"[A-Za-z0-9_-]{43}")


def issue_ticket(holder: Authenticated) -> tuple[str, int]:
    """A ticket's value and how many seconds it is good for.

    The socket that it opens expires when the access token behind `holder` does.
    """
    value = secrets.token_urlsafe(32)
    Ticket.objects.filter(session=holder.session, expires_at__lt=Now()).delete()
    Ticket.objects.create(
        digest=_digest(value),
        session=holder.session,
        access_expires_at=holder.expires_at,
        expires_at=Now() + LIFETIME,
    )
    return value, int(LIFETIME.total_seconds())


def redeem_ticket(value: str, *, counting: bool = False) -> Authenticated:
    """Whom the ticket stands for. Of any number of attempts one wins; the others, and every ticket
    that is old, unknown or of an ended session, are `TokenInvalid`.
    """
    if not _FORM.fullmatch(value):
        raise TokenInvalid
    ticket = Ticket.objects.filter(digest=_digest(value))
    good = ticket.filter(used_at=None, expires_at__gt=Now(), access_expires_at__gt=Now())
    if not good.update(used_at=Now()):
        raise TokenInvalid
    session_id, expires_at = ticket.values_list("session_id", "access_expires_at").get()
    return authenticated(standing_session(session_id, counting=counting), expires_at)


def _digest(value: str) -> str:
    return hashlib.sha256(value.encode()).hexdigest()
