"""The commands of accounts, as an operator types them."""

import io
from typing import Any

import pytest
from django.core.management import CommandError, call_command, load_command_class

from agents.errors import InvalidCredentials, TokenInvalid
from agents.logins import log_in
from agents.models import Agent, Session
from agents.sessions import check_access, open_session
from agents.tests.conftest import PASSWORD, MakeAgent

pytestmark = pytest.mark.django_db


def run(command: str, *arguments: str) -> str:
    """What the command prints on standard output."""
    out = io.StringIO()
    call_command(command, *arguments, stdout=out, stderr=io.StringIO())
    return out.getvalue()


def create(monkeypatch: pytest.MonkeyPatch, *more: str, password: str = PASSWORD) -> str:
    """`create_agent` with its password on standard input."""
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{password}\n"))
    said = ["--codename", "Ada", "--role", "handler", "--clearance", "secret", *more]
    return run("create_agent", "ada", *said, "--password-stdin")


@pytest.mark.parametrize("name", ["create_agent", "set_access", "end_sessions", "issue_token"])
def test_each_command_explains_itself(name: str) -> None:
    """`--help` says what it does and what each option means."""
    command = load_command_class("agents", name)
    said = command.create_parser("manage.py", name).format_help()
    assert command.help.split()[0] in said
    assert "username" in said


def test_an_agent_is_created_and_can_log_in(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the password from standard input, whole."""
    assert create(monkeypatch) == "Created ada: Ada, handler, secret.\n"
    agent = log_in("ada", PASSWORD).agent
    assert not agent.is_staff
    assert not agent.is_superuser


def test_a_superuser_may_enter_the_admin(monkeypatch: pytest.MonkeyPatch) -> None:
    """It would be of no use otherwise."""
    create(monkeypatch, "--superuser")
    assert Agent.objects.get(is_staff=True, is_superuser=True)


def test_creating_what_cannot_be_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    """Taken, weak, without a password, without anybody to ask."""
    create(monkeypatch)
    with pytest.raises(CommandError, match="username: An agent with that username exists"):
        create(monkeypatch)
    with pytest.raises(CommandError, match="too short"):
        create(monkeypatch, password="short")
    with pytest.raises(CommandError, match="held no password"):
        create(monkeypatch, password="")
    with pytest.raises(CommandError, match="none of director, handler"):
        create(monkeypatch, "--role", "boss")
    monkeypatch.setattr("sys.stdin", io.StringIO())
    with pytest.raises(CommandError, match="--password-stdin"):
        run("create_agent", "b", "--codename", "b", "--role", "analyst", "--clearance", "secret")
    assert Agent.objects.count() == 1


def test_passwords_are_asked_for_twice_in_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """And refused when they differ."""
    typed = iter([PASSWORD, PASSWORD, PASSWORD, "something else"])
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("getpass.getpass", lambda prompt: next(typed))
    said = ["--role", "analyst", "--clearance", "secret"]
    run("create_agent", "ada", "--codename", "Ada", *said)
    assert log_in("ada", PASSWORD)
    with pytest.raises(CommandError, match="differ"):
        run("create_agent", "bob", "--codename", "Bob", *said)


def test_access_is_changed_and_disabled(agent: Agent) -> None:
    """The line printed is what holds now."""
    said = run("set_access", "ada", "--role", "handler", "--clearance", "top-secret")
    assert said == "ada: handler, top-secret, active.\n"
    assert run("set_access", "ada", "--disable") == "ada: handler, top-secret, disabled.\n"
    with pytest.raises(InvalidCredentials):
        log_in("ada", PASSWORD)
    run("set_access", "ada", "--enable")
    assert log_in("ada", PASSWORD)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["ada"], "Say what to change"),
        (["nobody", "--disable"], "no agent with the username nobody"),
        (["ada", "--role", "boss"], "none of director"),
        (["ada", "--clearance", "4"], "none of restricted"),
        (["ada", "--disable", "--enable"], "not allowed with"),
    ],
)
def test_a_wrong_change_of_access_says_why(
    agent: Agent, arguments: list[str], sentence: str
) -> None:
    """And changes nothing."""
    with pytest.raises(CommandError, match=sentence):
        run("set_access", *arguments)
    agent.refresh_from_db()
    assert agent.access_revision == 1


def test_all_sessions_of_an_agent_end(agent: Agent, make_agent: MakeAgent) -> None:
    """Those of others stay."""
    other = open_session(make_agent("bob"))
    open_session(agent)
    assert run("end_sessions", "ada") == "Ended 1 session of ada.\n"
    assert run("end_sessions", "ada") == "Ended 0 sessions of ada.\n"
    assert Session.objects.get(ended_at=None) == other
    with pytest.raises(CommandError, match="no agent"):
        run("end_sessions", "nobody")


def test_a_token_for_a_program_is_printed_alone_and_ends_like_any_session(agent: Agent) -> None:
    """A script can take standard output as it is."""
    token = run("issue_token", "ada", "--minutes", "5", "--name", "importer").strip()
    who = check_access(token)
    assert (who.session.kind, who.session.name) == ("service", "importer")
    assert 290 < (who.expires_at - who.session.created_at).total_seconds() <= 300
    run("end_sessions", "ada")
    with pytest.raises(TokenInvalid):
        check_access(token)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["ada", "--minutes", "0"], "from 1 to 43200"),
        (["ada", "--minutes", "43201"], "from 1 to 43200"),
        (["ada", "--minutes", "x"], "invalid int"),
        (["ada", "--name", "x" * 81], "80 characters"),
        (["nobody"], "no agent"),
    ],
)
def test_a_token_that_cannot_be_says_why(agent: Agent, arguments: list[str], sentence: str) -> None:
    """And opens no session."""
    with pytest.raises(CommandError, match=sentence):
        run("issue_token", *arguments)
    assert not Session.objects.exists()


def test_a_disabled_agent_gets_no_token(make_agent: MakeAgent) -> None:
    """The sentence names the way out."""
    make_agent("ada", is_active=False)
    with pytest.raises(CommandError, match="set_access ada --enable"):
        run("issue_token", "ada")


def test_the_options_default_to_nothing_surprising(agent: Agent) -> None:
    """30 days, no name."""
    session: Any = check_access(run("issue_token", "ada").strip()).session
    assert 29.9 < (session.expires_at - session.created_at).total_seconds() / 86_400 <= 30
    assert session.name == ""
