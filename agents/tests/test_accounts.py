"""Accounts: who can log in, who may manage whom, and that access changes are never silent."""

import threading
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import connection, transaction
from pytest_django.fixtures import Settings

from agents import live, rotation, sessions
from agents.accounts import (
    Standing,
    create_agent,
    save_password,
    save_profile,
    set_access,
    standing_of,
    within,
)
from agents.errors import InvalidCredentials, NotFound, TokenInvalid
from agents.logins import log_in
from agents.models import Agent, AuditEvent, Session
from agents.roles import Clearance, Role
from agents.sessions import TokenPair, check_access
from agents.tests.conftest import PASSWORD, MakeAgent
from tests import layers
from tests.layers import OtherProcesses

pytestmark = pytest.mark.django_db


def test_an_account_that_was_created_can_log_in() -> None:
    """The session knows where it came from."""
    agent = create_agent(
        "ada", codename="Ada", role=Role.HANDLER, clearance=Clearance.SECRET, password=PASSWORD
    )
    session = log_in("ada", PASSWORD, address="192.0.2.7", user_agent="curl")
    assert (session.agent, session.address, session.user_agent) == (agent, "192.0.2.7", "curl")
    agent.refresh_from_db()
    assert agent.last_login is not None


@pytest.mark.parametrize("password", ["short", "password1234", "ada-the-agent-1"])
def test_a_weak_password_is_refused(password: str) -> None:
    """Too short, too common, too close to the name."""
    with pytest.raises(ValidationError):
        create_agent(
            "ada-the-agent",
            codename="Ada",
            role=Role.ANALYST,
            clearance=Clearance.SECRET,
            password=password,
        )


@pytest.mark.parametrize(
    ("username", "codename"),
    [
        ("Ada", "Other"),
        ("other", "ada the agent"),
        ("other", "ADA the Agent"),
        ("", "x"),
        ("a b", "x"),
        ("a\n", "x"),
        ("b", "x\0"),
    ],
)
def test_names_are_unique_in_any_case_and_plain(agent: Agent, username: str, codename: str) -> None:
    """The error names the field."""
    with pytest.raises(ValidationError):
        create_agent(username, codename=codename, role=Role.ANALYST, clearance=Clearance.SECRET)


def test_a_changed_access_raises_the_revision_and_tells_the_sockets(
    agent: Agent, settings: Settings, django_capture_on_commit_callbacks: Any
) -> None:
    """Once for one change, and not before the commit."""
    workers = layers.use(settings, OtherProcesses)
    with django_capture_on_commit_callbacks(execute=True):
        changed = set_access(agent.id, role=Role.HANDLER, clearance=Clearance.TOP_SECRET)
        assert not workers.sent
    assert (changed.role, changed.clearance) == ("handler", 4)
    assert changed.access_revision == agent.access_revision + 1
    assert workers.sent == [(live.NOTICES, {"type": "hq.notice", "agents": [str(agent.id)]})]


def test_access_that_stays_the_same_raises_nothing(
    agent: Agent, django_capture_on_commit_callbacks: Any
) -> None:
    """No revision, no notice."""
    with django_capture_on_commit_callbacks() as callbacks:
        same = set_access(agent.id, role=Role(agent.role), is_active=True)
    assert same.access_revision == agent.access_revision
    assert not callbacks


def test_disabling_ends_all_sessions_and_enabling_brings_none_back(
    agent: Agent, pair: TokenPair
) -> None:
    """The old tokens stay dead."""
    set_access(agent.id, is_active=False)
    assert Session.objects.get().ended_reason == "disabled"
    with pytest.raises(InvalidCredentials):
        log_in("ada", PASSWORD)
    set_access(agent.id, is_active=True)
    with pytest.raises(TokenInvalid):
        check_access(pair.access)
    assert log_in("ada", PASSWORD)


def test_access_of_nobody_is_not_found(session: Session) -> None:
    """An id that is no agent's."""
    with pytest.raises(NotFound):
        set_access(session.id, role=Role.DIRECTOR)


def test_a_new_password_ends_the_sessions_of_the_old_one(agent: Agent, pair: TokenPair) -> None:
    """Whoever held them."""
    agent.set_password("another long password")
    assert save_password(agent) == 1
    assert log_in("ada", "another long password")
    with pytest.raises(InvalidCredentials):
        log_in("ada", PASSWORD)


def test_a_standing_covers_what_exceeds_it_in_no_part() -> None:
    """More clearance does not make up for less rank."""
    own = Standing(2, 3, True, False)
    assert own.covers(own)
    assert own.covers(Standing(1, 1, False, False))
    for other in (
        Standing(3, 1, False, False),
        Standing(1, 4, False, False),
        Standing(1, 1, False, True),
    ):
        assert not own.covers(other)


def test_the_filter_chooses_whom_the_standing_covers(make_agent: MakeAgent) -> None:
    """For every role, clearance and staff right, on both sides."""
    agents = [
        make_agent(f"{role}{clearance}{rights}", role=role, clearance=clearance, **fields)
        for role in Role
        for clearance in (Clearance.CONFIDENTIAL, Clearance.TOP_SECRET)
        for rights, fields in enumerate(
            ({}, {"is_staff": True}, {"is_staff": True, "is_superuser": True})
        )
    ]
    for one in agents:
        own = standing_of(one)
        covered = {other for other in agents if own.covers(standing_of(other))}
        assert set(Agent.objects.filter(within(own))) == covered
        assert set(Session.objects.filter(within(own, "agent__"))) == set()


def test_every_change_of_an_account_is_in_the_audit_log(agent: Agent) -> None:
    """Who did it from where, the value before and the value after; no change, no row."""
    by: dict[str, Any] = {"actor": agent.id, "address": "192.0.2.7"}
    made = create_agent("ben", codename="Ben", role=Role.ANALYST, clearance=Clearance.SECRET)
    set_access(made.id, role=Role.HANDLER, clearance=Clearance.SECRET, **by)
    set_access(made.id, role=Role.HANDLER, **by)
    made.codename = "Benno"
    save_profile(made, {"codename": "Ben"}, **by)
    made.is_staff = True
    save_profile(made, {"is_staff": False}, **by)
    rows = AuditEvent.objects.filter(subject=made.id).order_by("number")
    assert [(row.event, row.details.get("changes")) for row in rows] == [
        ("user_created", None),
        ("privilege_permissions_changed", {"role": ["analyst", "handler"]}),
        ("user_updated", {"codename": ["Ben", "Benno"]}),
        ("privilege_permissions_changed", {"is_staff": [False, True]}),
    ]
    assert {(row.actor, row.address) for row in rows[1:]} == {(agent.id, "192.0.2.7")}
    made.refresh_from_db()
    assert (made.codename, made.is_staff) == ("Benno", True)


def test_a_change_that_is_taken_back_leaves_no_row(agent: Agent) -> None:
    """The row stands or falls with what it tells of."""
    with transaction.atomic():
        set_access(agent.id, role=Role.HANDLER)
        transaction.set_rollback(True)
    assert not AuditEvent.objects.filter(event="privilege_permissions_changed").exists()


def test_analyst_and_operative_have_one_rank(make_agent: MakeAgent) -> None:
    """Below the handler, who is below the director."""
    ranks = {role: standing_of(make_agent(role.value, role=role)).rank for role in Role}
    assert ranks == {
        Role.DIRECTOR: 3,
        Role.HANDLER: 2,
        Role.ANALYST: 1,
        Role.FIELD_OPERATIVE: 1,
    }


@pytest.mark.django_db(transaction=True)
def test_two_tabs_that_refresh_in_the_same_instant_both_stay(
    pair: TokenPair, django_db_blocker: Any
) -> None:
    """T11: one rotation, one grace, one current generation."""
    start, results, problems = threading.Barrier(2), [], []

    def refresh() -> None:
        start.wait()
        try:
            results.append(rotation.rotate(pair.refresh)[1])
        except Exception as problem:  # noqa: BLE001  (shown by the assertion)
            problems.append(problem)
        finally:
            connection.close()

    threads = [threading.Thread(target=refresh) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert not problems
    assert {sessions.read_refresh(one.refresh).generation for one in results} == {2}


@pytest.mark.django_db(transaction=True)
def test_nothing_opens_while_all_sessions_end(agent: Agent) -> None:
    """Whoever commits first, no session survives a disabling."""
    opened = threading.Event()

    def open_one() -> None:
        try:
            sessions.open_session(agent)
        except TokenInvalid:
            opened.set()
        finally:
            connection.close()

    with transaction.atomic():
        set_access(agent.id, is_active=False)
        thread = threading.Thread(target=open_one)
        thread.start()
    thread.join(20)
    assert opened.is_set()
    assert not Session.objects.filter(ended_at=None).exists()
