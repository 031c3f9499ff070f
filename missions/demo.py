"""Writes the demo: agents, missions and a log of two days, once.

Goes through `missions.services` like everybody, so that the demo cannot break a rule; then, alone
in this, moves the times into the past. Called by `seed_demo`, which allows it in development only.
"""

import datetime as dt

from django.db import transaction
from django.utils import timezone

from agents.accounts import create_agent
from agents.models import Agent
from missions import demo_log, services
from missions.demo_log import Entry, Plan
from missions.drafts import Draft
from missions.models import Mission, Receipt, Update
from missions.protocol import Status

ANSWERED_AFTER = dt.timedelta(minutes=4)


def seeded() -> bool:
    """Whether the demo has been written: one query."""
    return Agent.objects.filter(is_demo=True).exists()


def seed() -> None:
    """Writes everything or nothing; `ValidationError` when a name is taken by somebody else."""
    with transaction.atomic():
        people = _agents()
        missions = [(_mission(plan, people), plan) for plan in demo_log.PLANS]
        for mission, plan in missions:
            _log(mission, demo_log.LOGS[plan.codename], people)
        for mission, plan in missions:
            if plan.status is not Status.PLANNED:
                services.change_mission(people[plan.members[0]], mission.pk, status=plan.status)


def _agents() -> dict[str, Agent]:
    return {
        person.username: create_agent(
            person.username,
            codename=person.codename,
            role=person.role,
            clearance=person.clearance,
            password=demo_log.PASSWORD,
            is_staff=person.staff,
            is_superuser=person.staff,
            is_demo=True,
        )
        for person in demo_log.PEOPLE
    }


def _mission(plan: Plan, people: dict[str, Agent]) -> Mission:
    creator = people[plan.members[0]]
    mission = services.create_mission(creator, plan.codename, plan.objective, plan.classification)
    for username in plan.members[1:]:
        services.add_member(creator, mission.pk, people[username].pk)
    return mission


def _log(mission: Mission, entries: tuple[Entry, ...], people: dict[str, Agent]) -> None:
    now = timezone.now()
    for entry in sorted(entries, key=lambda entry: -entry.hours):
        update = services.publish(people[entry.author], mission.pk, _draft(entry))
        written = now - dt.timedelta(hours=entry.hours)
        due = entry.ack_within and written + dt.timedelta(seconds=entry.ack_within)
        Update.objects.filter(pk=update.pk).update(created_at=written, ack_due_at=due)
        for username in entry.acknowledged:
            services.acknowledge(people[username], update.pk)
        Receipt.objects.filter(update=update).update(at=written + ANSWERED_AFTER)


def _draft(entry: Entry) -> Draft:
    return Draft(
        kind=entry.kind,
        body=entry.body,
        data=entry.data,
        classification=entry.level,
        roles=entry.roles,
        requires_ack=entry.ack_within is not None,
        ack_within=entry.ack_within,
    )
