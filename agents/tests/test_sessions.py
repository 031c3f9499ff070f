"""Sessions: opened, rotated, checked, ended."""

import datetime as dt

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from agents.errors import TokenInvalid, TokenMissing
from agents.models import Agent, AuditEvent, Session
from agents.rotation import rotate
from agents.sessions import (
    SERVICE_LIFETIME,
    TokenPair,
    check_access,
    end_session,
    end_sessions,
    issue_access,
    issue_pair,
    open_session,
    read_refresh,
)
from agents.tokens import AccessToken

pytestmark = pytest.mark.django_db


def test_an_access_token_stands_for_its_agent_and_session_by_one_query(
    session: Session, pair: TokenPair
) -> None:
    """One query, and only after the signature."""
    with CaptureQueriesContext(
        connection,
    ) as queries:
        who = check_access(pair.access)
        assert who.agent.username == "ada"
    assert len(queries) == 1
    assert who.session == session
    assert abs(who.expires_at - timezone.now() - dt.timedelta(minutes=15)).total_seconds() < 5
    assert 898 <= pair.expires_in <= 900


def test_a_forged_token_reaches_no_query(pair: TokenPair) -> None:
    """Nothing is read from the database before the signature is good."""
    head, payload, _ = pair.access.split(".")
    with CaptureQueriesContext(connection) as queries, pytest.raises(TokenInvalid):
        check_access(f"{head}.{payload}.{'A' * 86}")
    assert not queries.captured_queries


def test_no_token_is_missing_not_invalid() -> None:
    """The two have codes of their own."""
    for read in (check_access, read_refresh, rotate):
        with pytest.raises(TokenMissing):
            read("")


def test_an_ended_session_is_refused_at_once(session: Session, pair: TokenPair) -> None:
    """Access and refresh token alike."""
    assert end_session(session.id, "logout")
    assert not end_session(session.id, "logout")
    with pytest.raises(TokenInvalid):
        check_access(pair.access)
    with pytest.raises(TokenInvalid):
        rotate(pair.refresh)


def test_a_disabled_agent_is_refused_at_once(agent: Agent, pair: TokenPair) -> None:
    """Even where nobody ended the session."""
    Agent.objects.filter(id=agent.id).update(is_active=False)
    with pytest.raises(TokenInvalid):
        check_access(pair.access)
    with pytest.raises(TokenInvalid):
        rotate(pair.refresh)
    with pytest.raises(TokenInvalid):
        open_session(agent)


def test_an_expired_session_is_refused(session: Session, pair: TokenPair) -> None:
    """The end of a session holds whatever its tokens say."""
    past = timezone.now() - dt.timedelta(seconds=1)
    Session.objects.filter(id=session.id).update(expires_at=past)
    with pytest.raises(TokenInvalid):
        check_access(pair.access)
    with pytest.raises(TokenInvalid):
        rotate(pair.refresh)


def test_a_token_that_would_outlive_its_session_or_its_kind_is_refused(session: Session) -> None:
    """Signed or not, a lifetime is never longer than what HQ gives."""
    for moment in (
        session.expires_at + dt.timedelta(days=1),
        timezone.now() + dt.timedelta(days=1),
    ):
        token = AccessToken()
        token["sub"], token["sid"] = str(session.agent_id), str(session.id)
        token.expire_at(moment)
        with pytest.raises(TokenInvalid):
            check_access(str(token))


def test_a_token_with_another_agents_session_is_refused(session: Session) -> None:
    """`sub` and `sid` must belong together."""
    token = AccessToken()
    token["sub"], token["sid"] = str(session.id), str(session.id)
    with pytest.raises(TokenInvalid):
        check_access(str(token))


def test_ending_all_sessions_can_leave_the_one_in_hand(agent: Agent, session: Session) -> None:
    """What a password change does."""
    open_session(agent), open_session(agent)
    assert end_sessions(agent.id, reason="password", but=session.id) == 2
    assert Session.objects.get(ended_at=None) == session
    assert end_sessions(agent.id, reason="administrator") == 1


def test_a_service_session_lives_30_days_at_most_and_is_never_refreshed(agent: Agent) -> None:
    """HQ's API key: its access token lives as long as the session."""
    far = timezone.now() + dt.timedelta(days=400)
    service = open_session(agent, kind=Session.Kind.SERVICE, name="importer", expires_at=far)
    assert service.expires_at <= timezone.now() + SERVICE_LIFETIME
    token, expires_at = issue_access(service)
    assert service.expires_at - expires_at < dt.timedelta(seconds=1)
    assert check_access(token).session == service
    with pytest.raises(ValueError, match="not refreshed"):
        issue_pair(service)


def test_a_session_of_the_admin_opens_nothing(agent: Agent) -> None:
    """Its id in a signed token is no way into the API."""
    admin = open_session(agent, kind=Session.Kind.ADMIN)
    token, _ = issue_access(admin)
    with pytest.raises(TokenInvalid):
        check_access(token)


def test_a_users_program_is_noted_without_control_characters(agent: Agent) -> None:
    """Log lines and pages stay whole; the length is bounded."""
    noted = open_session(agent, user_agent="Moz\r\nilla\x1b[31m\x00" + "x" * 500)
    noted.refresh_from_db()
    assert noted.user_agent.startswith("Mozilla[31mx")
    assert len(noted.user_agent) == 200


def test_a_reuse_a_grace_and_an_end_are_in_the_audit_log(
    agent: Agent, session: Session, pair: TokenPair
) -> None:
    """Each with its session, and with the address where it is known; an exchange alone is not."""
    second = rotate(pair.refresh)[1]
    rotate(pair.refresh, address="192.0.2.7")
    rotate(second.refresh)
    with pytest.raises(TokenInvalid):
        rotate(pair.refresh, address="192.0.2.8")
    rows = AuditEvent.objects.filter(session=session.id).order_by("number")
    assert [(row.event, row.address, row.subject) for row in rows] == [
        ("session_created", None, agent.id),
        ("token_grace", "192.0.2.7", agent.id),
        ("session_ended", "192.0.2.8", agent.id),
        ("authn_token_reuse", "192.0.2.8", agent.id),
    ]
    assert rows[2].details == {"reason": "token_reuse"}
