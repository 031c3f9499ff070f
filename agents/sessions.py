"""Sessions: opened at login, checked at every request, ended for good.

Owns the rows of `Session` and every rule about them; with `agents.rotation`, which exchanges
refresh tokens, the only writer of them, and the only maker of tokens. A session is a family of
refresh tokens, of which the row keeps the generation and never a token. Refuses by `TokenMissing`,
`TokenInvalid`, `TokenExpired` and `SecondFactorRequired`.

Rows are locked agent first, then session. What must follow the clock that all workers share (the
end of a session, the grace of a rotation) is compared with the database's.
"""

import datetime as dt
from dataclasses import dataclass
from typing import Any, NamedTuple
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import OuterRef, Q, QuerySet
from django.db.models.functions import Now
from django.utils import timezone
from rest_framework_simplejwt.exceptions import ExpiredTokenError, TokenError

from agents import audit, connections, enrolment, live
from agents.errors import SecondFactorRequired, TokenExpired, TokenInvalid, TokenMissing
from agents.models import Agent, Session
from agents.roles import Clearance
from agents.tokens import AccessToken, RefreshToken

SERVICE_LIFETIME = dt.timedelta(days=30)
"""The longest life of a session of kind `service`, which is never refreshed."""

USER_AGENT_LENGTH = 200


@dataclass(frozen=True, slots=True)
class Authenticated:
    """Who made a request, by which session, and when its access token expires.

    `open_connections`: how many WebSockets the agent has open on all workers, where it was asked.
    `must_enrol`: nothing is open to it but what sets a second factor.
    """

    agent: Agent
    session: Session
    expires_at: dt.datetime
    open_connections: int = 0
    must_enrol: bool = False


class Proved(NamedTuple):
    """What a login rests on: the password's hash that was verified, and whether a second factor."""

    password: str
    factor: bool

    def holds(self, agent: Agent) -> bool:
        """Whether it would still be enough for that row."""
        return agent.password == self.password and (self.factor or not enrolment.enrolled(agent))


@dataclass(frozen=True, slots=True)
class TokenPair:
    """What a login or a refresh gives. `expires_in`: whole seconds of the access token's life."""

    access: str
    refresh: str
    expires_in: int
    refresh_expires_at: dt.datetime


def open_session(
    agent: Agent,
    *,
    kind: Session.Kind = Session.Kind.LOGIN,
    address: str | None = None,
    user_agent: str = "",
    name: str = "",
    expires_at: dt.datetime | None = None,
    proved: Proved | None = None,
) -> Session:
    """A new session; `TokenInvalid` when the agent was disabled meanwhile.

    Verifying takes long: `proved` is compared under the row's lock with what holds by then, else a
    login would outlive the change of a password or second factor that ends all sessions.
    `expires_at` defaults to HQ_SESSION_DAYS from now, for a service session to 30 days, which is
    also the most it can have.
    """
    now = timezone.now()
    longest = now + (
        SERVICE_LIFETIME
        if kind is Session.Kind.SERVICE
        else dt.timedelta(days=settings.HQ_SESSION_DAYS)
    )
    ends = min(expires_at or longest, longest)
    with transaction.atomic():
        locked = locked_agent(agent.id)
        if proved is not None and not proved.holds(locked):
            raise TokenInvalid
        session = Session.objects.create(
            agent=locked,
            kind=kind,
            name=name,
            address=address,
            user_agent=printable(user_agent)[:USER_AGENT_LENGTH],
            expires_at=ends,
            refresh_expires_at=refresh_expiry(now, ends) if kind is Session.Kind.LOGIN else None,
        )
        audit.record(
            "session_created",
            subject=agent.id,
            session=session.id,
            address=address,
            kind=kind.value,
        )
    return session


def issue_pair(session: Session) -> TokenPair:
    """Both tokens of a login session's current generation; neither outlives the session."""
    access, expires_at = issue_access(session)
    if session.refresh_expires_at is None:
        raise ValueError(f"A session of kind {session.kind} is not refreshed.")
    refresh = RefreshToken()
    refresh["sub"], refresh["sid"] = str(session.agent_id), str(session.id)
    refresh["gen"] = session.generation
    refresh.expire_at(session.refresh_expires_at)
    return TokenPair(
        access=access,
        refresh=str(refresh),
        expires_in=max(0, int((expires_at - timezone.now()).total_seconds() + 0.5)),
        refresh_expires_at=session.refresh_expires_at,
    )


def issue_access(session: Session) -> tuple[str, dt.datetime]:
    """An access token and its expiry; that of a service session lives as long as the session.

    Role, clearance and codename are in it for the reader's convenience: nothing decides by them.
    """
    agent = session.agent
    token = AccessToken()
    token["sub"], token["sid"] = str(agent.id), str(session.id)
    token["role"], token["codename"] = agent.role, agent.codename
    token["clearance"] = Clearance(agent.clearance).wire
    if session.kind == Session.Kind.SERVICE or token.expires_at > session.expires_at:
        token.expire_at(session.expires_at)
    return str(token), token.expires_at


def check_access(token: str, *, counting: bool = False, enrolling: bool = False) -> Authenticated:
    """Who an access token stands for: signature first, without a query, then one query.

    With `counting` that query counts the agent's open connections as well. Ended and expired
    sessions and disabled agents are `TokenInvalid`, at once and everywhere. Who must set a second
    factor first is `SecondFactorRequired`; with `enrolling` the caller looks at `must_enrol`.
    """
    if not token:
        raise TokenMissing
    try:
        access = AccessToken(token)
    except ExpiredTokenError:
        raise TokenExpired from None
    except TokenError:
        raise TokenInvalid from None
    session = standing_session(
        access.session_id, access.agent_id, counting=counting, enrolling=enrolling
    )
    if access.expires_at > session.expires_at:
        raise TokenInvalid
    if session.kind == Session.Kind.LOGIN and access.lifetime_given > AccessToken.lifetime:
        raise TokenInvalid
    return authenticated(session, access.expires_at)


def authenticated(session: Session, expires_at: dt.datetime) -> Authenticated:
    """What a good credential of a standing session stands for."""
    opened: int = getattr(session, "open_connections", 0)
    return Authenticated(
        session.agent, session, expires_at, opened, getattr(session, "must_enrol", False)
    )


def standing_session(
    session_id: UUID,
    agent_id: UUID | None = None,
    *,
    counting: bool = False,
    enrolling: bool = False,
) -> Session:
    """The session with its agent, in one query, if both stand; `TokenInvalid` else.

    Sessions of the admin carry no tokens and open nothing here. `SecondFactorRequired` and
    `enrolling` as in `check_access`.
    """
    of_agent = Q() if agent_id is None else Q(agent_id=agent_id)
    sessions = Session.objects.select_related("agent").annotate(must_enrol=enrolment.must_enrol())
    if counting:
        opened = connections.open_of_agent(OuterRef("agent_id"))
        sessions = sessions.annotate(open_connections=opened)
    try:
        session = sessions.exclude(kind=Session.Kind.ADMIN).get(
            of_agent,
            id=session_id,
            ended_at=None,
            expires_at__gt=Now(),
            agent__is_active=True,
        )
    except Session.DoesNotExist:
        raise TokenInvalid from None
    if session.must_enrol and not enrolling:
        raise SecondFactorRequired
    return session


def read_refresh(token: str) -> RefreshToken:
    """A refresh token that is good by itself; its session is not looked at."""
    if not token:
        raise TokenMissing
    try:
        return RefreshToken(token)
    except ExpiredTokenError:
        raise TokenExpired from None
    except TokenError:
        raise TokenInvalid from None


def end_session(session_id: UUID, reason: str, **by: Any) -> bool:
    """Ends one session and its sockets; False when it had ended before.

    `by`: the audit log's `actor` and `address`, where they are known.
    """
    return _end(Session.objects.filter(id=session_id), reason, by) == 1


def end_sessions(agent_id: UUID, *, reason: str, but: UUID | None = None, **by: Any) -> int:
    """Ends the agent's sessions, all or all but one; says how many. None can open meanwhile."""
    with transaction.atomic():
        list(Agent.objects.select_for_update(no_key=True).filter(id=agent_id).values_list("id"))
        others = Q() if but is None else ~Q(id=but)
        return _end(Session.objects.filter(others, agent_id=agent_id), reason, by)


def _end(sessions: QuerySet[Session], reason: str, by: dict[str, Any]) -> int:
    with transaction.atomic():
        standing = sessions.filter(ended_at=None)
        locked = standing.select_for_update(no_key=True).order_by("id")
        found = list(locked.values_list("id", "agent_id"))
        if ids := [session_id for session_id, _ in found]:
            Session.objects.filter(id__in=ids).update(ended_at=Now(), ended_reason=reason)
            for session_id, agent_id in found:
                about = {"subject": agent_id, "session": session_id, **by}
                audit.record("session_ended", **about, reason=reason)
            transaction.on_commit(lambda: live.notify_sessions(ids))
    return len(ids)


def locked_agent(agent_id: UUID) -> Agent:
    """The active agent with its row locked; `TokenInvalid` else."""
    try:
        return Agent.objects.select_for_update(no_key=True).get(id=agent_id, is_active=True)
    except Agent.DoesNotExist:
        raise TokenInvalid from None


def refresh_expiry(now: dt.datetime, session_ends: dt.datetime) -> dt.datetime:
    """When a refresh token of now is over: it never outlives its session."""
    return min(now + dt.timedelta(hours=settings.HQ_REFRESH_HOURS), session_ends)


def printable(text: str) -> str:
    """The text without control characters and the like."""
    return "".join(character for character in text if character.isprintable())
