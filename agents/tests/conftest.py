"""What the tests of accounts share: agents, and a login of one of them."""

from collections.abc import Callable
from pathlib import Path

import pytest
from django.test import Client
from pytest_django.fixtures import Settings

from agents import audit
from agents.models import Agent, AuditEvent, Session
from agents.roles import Clearance, Role
from agents.sessions import TokenPair, issue_pair, open_session

PASSWORD = "correct horse battery"

MakeAgent = Callable[..., Agent]


@pytest.fixture
def make_agent(db: None) -> MakeAgent:
    """Makes an agent; by default an analyst cleared for secret."""

    def make(
        username: str = "ada",
        *,
        role: Role = Role.ANALYST,
        clearance: Clearance = Clearance.SECRET,
        **fields: object,
    ) -> Agent:
        fields.setdefault("codename", f"{username} the agent")
        return Agent.objects.create_user(
            username, PASSWORD, role=role, clearance=clearance, **fields
        )

    return make


@pytest.fixture
def agent(make_agent: MakeAgent) -> Agent:
    """An active analyst named ada."""
    return make_agent()


@pytest.fixture
def session(agent: Agent) -> Session:
    """A session of ada's."""
    return open_session(agent)


@pytest.fixture
def pair(session: Session) -> TokenPair:
    """The tokens of that session."""
    return issue_pair(session)


@pytest.fixture
def http() -> Client:
    """A client whose cookies are kept and whose CSRF is checked."""
    return Client(enforce_csrf_checks=True)


@pytest.fixture
def log(db: None, settings: Settings, tmp_path: Path) -> list[AuditEvent]:
    """Five rows, and a folder of its own for checkpoints."""
    settings.HQ_AUDIT_CHECKPOINTS = str(tmp_path / "audit" / "checkpoints.jsonl")
    for number in range(5):
        audit.record("authn_login_success", address="192.0.2.1", nth=number)
    return list(AuditEvent.objects.order_by("number"))
