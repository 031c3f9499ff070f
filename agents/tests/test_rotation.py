"""Refresh tokens exchanged: the next generation, two tabs at once, and what was replayed."""

import datetime as dt

import pytest
from django.utils import timezone

from agents.errors import TokenInvalid
from agents.models import Agent, Session
from agents.rotation import rotate
from agents.sessions import TokenPair, check_access, issue_pair, open_session, read_refresh

pytestmark = pytest.mark.django_db


def test_refreshing_gives_the_next_generation(session: Session, pair: TokenPair) -> None:
    """The session stays the same, its generation rises."""
    same, second = rotate(pair.refresh)
    assert same.id == session.id
    assert read_refresh(second.refresh).generation == 2
    assert check_access(second.access).session == session
    assert read_refresh(rotate(second.refresh)[1].refresh).generation == 3


def test_two_tabs_that_refresh_at_once_get_the_one_current_generation(pair: TokenPair) -> None:
    """The generation before, within the grace, while the current one is unused."""
    rotate(pair.refresh)
    _, again = rotate(pair.refresh)
    assert read_refresh(again.refresh).generation == 2
    assert read_refresh(rotate(again.refresh)[1].refresh).generation == 3


def test_a_refresh_token_replayed_after_its_successor_was_used_ends_the_session(
    pair: TokenPair,
) -> None:
    """Within 20 s too: two live generations would be two holders."""
    _, second = rotate(pair.refresh)
    _, third = rotate(second.refresh)
    with pytest.raises(TokenInvalid):
        rotate(pair.refresh)
    assert Session.objects.get().ended_reason == "token_reuse"
    for token in (second.refresh, third.refresh):
        with pytest.raises(TokenInvalid):
            rotate(token)
    with pytest.raises(TokenInvalid):
        check_access(third.access)


def test_a_refresh_token_replayed_after_the_grace_ends_the_session(
    session: Session, pair: TokenPair
) -> None:
    """20 s, by the database's clock."""
    rotate(pair.refresh)
    late = timezone.now() - dt.timedelta(seconds=21)
    Session.objects.filter(id=session.id).update(rotated_at=late)
    with pytest.raises(TokenInvalid):
        rotate(pair.refresh)
    assert Session.objects.get().ended_reason == "token_reuse"


def test_reuse_ends_one_session_and_leaves_the_others(agent: Agent, pair: TokenPair) -> None:
    """A login elsewhere is another family."""
    other = issue_pair(open_session(agent))
    _, second = rotate(pair.refresh)
    rotate(second.refresh)
    with pytest.raises(TokenInvalid):
        rotate(pair.refresh)
    assert check_access(other.access).agent == agent
