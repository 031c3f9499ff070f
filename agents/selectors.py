"""Reads of accounts: an agent by name, an agent as shown to itself. Writes nothing."""

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
