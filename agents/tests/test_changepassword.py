"""`manage.py changepassword` is HQ's own: nobody stays in by the old password."""

import io

import pytest
from django.core.management import CommandError, call_command, get_commands

from agents.errors import InvalidCredentials
from agents.logins import log_in
from agents.models import Agent, AuditEvent
from agents.sessions import open_session
from agents.tests.conftest import PASSWORD

pytestmark = pytest.mark.django_db

NEW = "another long password"


def changed(monkeypatch: pytest.MonkeyPatch, password: str, username: str = "ADA") -> str:
    """What the command says when that password comes in."""
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{password}\n"))
    out = io.StringIO()
    call_command("changepassword", username, "--password-stdin", stdout=out)
    return out.getvalue()


def test_a_new_password_ends_the_sessions_and_is_audited(
    agent: Agent, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The name is found in any case."""
    open_session(agent)
    assert changed(monkeypatch, NEW) == "ada has a new password; 1 session ended.\n"
    assert not agent.sessions.filter(ended_at=None).exists()
    assert AuditEvent.objects.filter(event="authn_password_change", subject=agent.pk).exists()
    assert log_in("ada", NEW)
    with pytest.raises(InvalidCredentials):
        log_in("ada", PASSWORD)


@pytest.mark.parametrize(
    ("password", "username", "said"),
    [("short", "ada", "too short"), (NEW, "nobody", "nobody"), ("", "ada", "no password")],
)
def test_what_is_wrong_is_said_and_changes_nothing(
    agent: Agent, monkeypatch: pytest.MonkeyPatch, password: str, username: str, said: str
) -> None:
    """A weak password, an unknown name, no password at all."""
    open_session(agent)
    with pytest.raises(CommandError, match=said):
        changed(monkeypatch, password, username)
    assert agent.sessions.filter(ended_at=None).exists()
    assert log_in("ada", PASSWORD)


def test_djangos_own_is_not_reached() -> None:
    """It would end no session."""
    assert get_commands()["changepassword"] == "agents"
