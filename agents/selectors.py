"""Reads of accounts: an agent by name, an agent as shown to itself. Writes nothing."""

from django.conf import settings
from django.db import DatabaseError
from django.db.models.functions import Lower

from agents.errors import NotFound
from agents.models import Agent
from agents.protocol import AgentObject
from agents.roles import Clearance


def agent_named(username: str) -> Agent:
    """The agent with that username in whatever case; `NotFound` else. Inactive ones too."""
    try:
        return Agent.objects.alias(folded=Lower("username")).get(folded=username.lower())
    except Agent.DoesNotExist:
        raise NotFound from None


def agent_object(agent: Agent) -> AgentObject:
    """An agent as shown to itself only: with its clearance."""
    return AgentObject(
        id=str(agent.id),
        username=agent.username,
        codename=agent.codename,
        role=agent.role,
        clearance=Clearance(agent.clearance).wire,
    )


def demo_agents_problem() -> str | None:
    """Why HQ must not start, as a sentence that says what to do; None when it may.

    Demo agents have a published password: outside development none may be active.
    """
    if settings.HQ_DEVELOPMENT:
        return None
    try:
        active = list(
            Agent.objects.filter(is_demo=True, is_active=True)
            .order_by("username")
            .values_list("username", flat=True)
        )
    except DatabaseError:
        return "The database cannot be read. Check DATABASE_URL and run `manage.py migrate`."
    if not active:
        return None
    return (
        f"Demo agents are active, and their password is published: {', '.join(active)}. Start from "
        "another database, or disable each with `manage.py set_access USERNAME --disable`."
    )
