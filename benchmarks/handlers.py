"""The agents of `revoke`: handlers on one mission, whose role is lowered and whose sessions end.

Real rows and real tokens in HQ's own database; what changes, changes through HQ's own services,
which announce it as a worker does. Imported once Django is set up.
"""

import time
from uuid import UUID

from django.contrib.auth.hashers import make_password
from django.core.management import call_command
from django.db import transaction
from django.db.models import Count

from agents import accounts, connections, sessions
from agents.models import Agent, Session
from agents.roles import Clearance, Role
from missions.models import Assignment, Mission
from missions.protocol import Status


def assemble(sockets: int) -> dict[UUID, str]:
    """Migrates the database and fills it; by agent, the token of a session of its own."""
    call_command("migrate", verbosity=0)
    with transaction.atomic():
        agents = Agent.objects.bulk_create(_handler(number) for number in range(sockets))
        mission = Mission.objects.create(
            codename="Revoked",
            objective="Be left.",
            status=Status.ACTIVE.value,
            classification=Clearance.RESTRICTED.value,
            created_by=agents[0],
        )
        Assignment.objects.bulk_create(Assignment(mission=mission, agent=one) for one in agents)
        return {agent.pk: _token(agent) for agent in agents}


def sockets_by_worker() -> list[int]:
    """How many sockets each worker has."""
    rows = connections.live_connections().order_by().values("worker")
    return sorted(rows.annotate(number=Count("pk")).values_list("number", flat=True))


def lower(agent_id: UUID) -> float:
    """Makes an analyst of a handler; the moment of the commit."""
    moments: list[float] = []
    with transaction.atomic():
        # The first of what runs after the commit.
        transaction.on_commit(lambda: moments.append(time.monotonic()))
        accounts.set_access(agent_id, role=Role.ANALYST)
    return moments[0]


def end(agent_id: UUID) -> float:
    """Ends all sessions of an agent; the moment of the commit."""
    moments: list[float] = []
    with transaction.atomic():
        transaction.on_commit(lambda: moments.append(time.monotonic()))
        sessions.end_sessions(agent_id, reason="administrator")
    return moments[0]


def _handler(number: int) -> Agent:
    return Agent(
        username=f"handler-{number}",
        codename=f"handler-{number}",
        role=Role.HANDLER.value,
        clearance=Clearance.SECRET.value,
        password=make_password(None),
    )


def _token(agent: Agent) -> str:
    session = sessions.open_session(agent, kind=Session.Kind.SERVICE, name="benchmark")
    return sessions.issue_access(session)[0]
