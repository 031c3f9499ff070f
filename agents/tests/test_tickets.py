"""Tickets: one WebSocket each, for 30 seconds."""

import datetime as dt

import pytest
from django.utils import timezone

from agents.errors import TokenInvalid
from agents.models import Session, Ticket
from agents.sessions import TokenPair, check_access, end_session
from agents.tickets import issue_ticket, redeem_ticket

pytestmark = pytest.mark.django_db


def test_a_ticket_opens_once_and_carries_the_expiry_of_its_access_token(pair: TokenPair) -> None:
    """The second attempt is refused."""
    who = check_access(pair.access)
    value, expires_in = issue_ticket(who)
    assert expires_in == 30
    assert "." not in value
    assert redeem_ticket(value) == who
    with pytest.raises(TokenInvalid):
        redeem_ticket(value)


def test_only_the_digest_of_a_ticket_is_kept(pair: TokenPair) -> None:
    """Who reads the database cannot open a socket with it."""
    value, _ = issue_ticket(check_access(pair.access))
    row = Ticket.objects.get()
    assert value not in str(vars(row))
    with pytest.raises(TokenInvalid):
        redeem_ticket(row.digest)


@pytest.mark.parametrize("column", ["expires_at", "access_expires_at"])
def test_an_old_ticket_is_refused(pair: TokenPair, column: str) -> None:
    """After 30 s, and after the access token's own time."""
    value, _ = issue_ticket(check_access(pair.access))
    Ticket.objects.update(**{column: timezone.now() - dt.timedelta(milliseconds=1)})
    with pytest.raises(TokenInvalid):
        redeem_ticket(value)


def test_a_ticket_lives_30_seconds_by_the_databases_clock(pair: TokenPair) -> None:
    """The row says so, in whichever database."""
    issue_ticket(check_access(pair.access))
    left = Ticket.objects.get().expires_at - timezone.now()
    assert dt.timedelta(seconds=25) < left <= dt.timedelta(seconds=31)


def test_a_ticket_of_an_ended_session_is_refused(session: Session, pair: TokenPair) -> None:
    """What opens a socket is the session, not the ticket."""
    value, _ = issue_ticket(check_access(pair.access))
    end_session(session.id, "logout")
    with pytest.raises(TokenInvalid):
        redeem_ticket(value)


@pytest.mark.parametrize(
    "value", ["", "x", "a" * 42, "a" * 43, "a" * 5000, "ü" * 43, "a.b.c", "\0"]
)
def test_what_is_no_ticket_is_refused(db: None, value: str) -> None:
    """Whatever its form."""
    with pytest.raises(TokenInvalid):
        redeem_ticket(value)


def test_an_access_token_is_no_ticket(pair: TokenPair) -> None:
    """And a ticket no access token."""
    with pytest.raises(TokenInvalid):
        redeem_ticket(pair.access)
    with pytest.raises(TokenInvalid):
        check_access(issue_ticket(check_access(pair.access))[0])


def test_a_sessions_expired_tickets_go_when_it_takes_a_new_one(pair: TokenPair) -> None:
    """The table does not grow with use."""
    who = check_access(pair.access)
    issue_ticket(who)
    Ticket.objects.update(expires_at=timezone.now() - dt.timedelta(minutes=1))
    issue_ticket(who)
    assert Ticket.objects.count() == 1
