"""Reads of accounts: an agent by name, as shown to itself, its sessions. Writes nothing."""

import datetime as dt
from uuid import UUID

from django.conf import settings
from django.db import DatabaseError
from django.db.models import Prefetch, Q
from django.db.models.functions import Lower, Now

from agents import connections
from agents.errors import NotFound
from agents.models import Agent, Session
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


def standing_sessions(agent_id: UUID) -> list[Session]:
    """The agent's sessions that can still be used, newest first, each with `open_connections`."""
    access = dt.timedelta(minutes=settings.HQ_ACCESS_MINUTES)
    usable = (
        Q(refresh_expires_at=None)
        | Q(refresh_expires_at__gt=Now())
        | Q(rotated_at__gt=Now() - access)
    )
    opened = connections.live_connections().order_by("opened_at")
    return list(
        Session.objects.filter(usable, agent=agent_id, ended_at=None, expires_at__gt=Now())
        .prefetch_related(Prefetch("connections", opened, to_attr="open_connections"))
        .order_by("-created_at", "id")
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
