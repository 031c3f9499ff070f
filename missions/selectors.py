"""Reads of missions, members, updates and receipts, by the rule of `missions.audiences`.

Owns the rule's third form, the querysets. Every read starts from the agent's row as it is now.
Called by REST, admin, services and sockets. What an agent may not see raises `NotFound`, as what
does not exist does.
"""

import datetime as dt
from collections import defaultdict
from collections.abc import Collection, Sequence
from typing import Any
from uuid import UUID

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.db.models.functions import Now
from django.db.models.lookups import IsNull

from agents.errors import Forbidden, NotFound
from agents.models import Agent
from agents.protocol import AgentName
from agents.roles import Clearance, Role, Viewer
from missions import audiences
from missions.audiences import Audience, Looker
from missions.models import Assignment, Mission, Receipt, Update, seq_column


def parsed_id(value: UUID | str) -> UUID:
    """The id; `NotFound` for text that is no lower-case UUID string of ours."""
    if isinstance(value, UUID):
        return value
    try:
        parsed = UUID(value)
    except (ValueError, AttributeError):
        raise NotFound from None
    if str(parsed) != value:
        raise NotFound
    return parsed


def visible_missions(agent: Agent) -> QuerySet[Mission]:
    """The missions that the agent may enter; the queryset form of `audiences.may_enter`."""
    if not agent.is_active:
        return Mission.objects.none()
    missions = Mission.objects.filter(classification__lte=agent.clearance)
    if agent.viewer.role is Role.DIRECTOR:
        return missions
    return missions.filter(Exists(Assignment.objects.filter(mission=OuterRef("pk"), agent=agent)))


def mission_for(agent: Agent, mission_id: UUID | str) -> Mission:
    """The mission, if the agent may enter it."""
    mission = visible_missions(agent).filter(pk=parsed_id(mission_id)).first()
    if mission is None:
        raise NotFound
    return mission


def looker_at(agent: Agent, mission: Mission) -> Looker:
    """The agent's standing towards a mission, for the predicate."""
    assigned = Assignment.objects.filter(mission=mission, agent=agent).exists()
    return Looker(agent.viewer, assigned, agent.is_active)


def audience_of(update: Update) -> Audience:
    """The audience of a stored update."""
    return Audience(Clearance(update.classification), audiences.roles_from(update.roles))


def stream_filter(viewer: Viewer) -> Q:
    """Updates that have a number in the viewer's stream; the queryset form of `in_audience`."""
    return Q(**{f"{seq_column(audiences.stream_for(viewer))}__isnull": False})


def visible_updates(agent: Agent, mission: Mission | None = None) -> QuerySet[Update]:
    """The updates that the agent sees, in one mission or in all; the queryset form of `can_see`."""
    missions = visible_missions(agent)
    if mission is not None:
        missions = missions.filter(pk=mission.pk)
    return Update.objects.filter(stream_filter(agent.viewer), mission__in=missions)


def reviewable_updates(agent: Agent, mission: Mission | None = None) -> QuerySet[Update]:
    """The agent's own updates that it may look up; the queryset form of `may_review`."""
    missions = visible_missions(agent)
    if mission is not None:
        missions = missions.filter(pk=mission.pk)
    return Update.objects.filter(
        author=agent,
        classification__lte=agent.clearance,
        mission__in=missions,
        retracted_at__isnull=True,
    )


def update_for(agent: Agent, update_id: UUID | str) -> Update:
    """The update, if the agent sees it or wrote it and may review it."""
    key = parsed_id(update_id)
    update = visible_updates(agent).filter(pk=key).first()
    update = update or reviewable_updates(agent).filter(pk=key).first()
    if update is None:
        raise NotFound
    return update


def members_of(agent: Agent, mission_id: UUID | str) -> list[Agent]:
    """The members of a mission that the agent sees, by codename."""
    mission = mission_for(agent, mission_id)
    return list(Agent.objects.filter(assignments__mission=mission).order_by("codename", "id"))


def staff_candidates(agent: Agent, search: str = "") -> list[Agent]:
    """Active agents for staffing, at most 50, by codename; `Forbidden` but to who staffs."""
    if not audiences.may_staff(agent.viewer):
        raise Forbidden
    found = Agent.objects.filter(is_active=True)
    for word in search.replace("\x00", "").split()[:5]:
        found = found.filter(codename__icontains=word)
    return list(found.order_by("codename", "id")[:50])


def receipts_of(agent: Agent, update_id: UUID | str) -> list[tuple[AgentName, dt.datetime | None]]:
    """Who must acknowledge, and when each did; for the author, handlers and directors."""
    update = update_for(agent, update_id)
    if update.author_id != agent.pk and not audiences.may_staff(agent.viewer):
        raise Forbidden
    return obliged_to(update) if update.requires_ack else []


def present(update_ids: Collection[UUID]) -> dict[UUID, Update]:
    """These updates as they are now, without their words, but for those that were retracted."""
    kept = Update.objects.filter(pk__in=update_ids, retracted_at__isnull=True)
    return {update.pk: update for update in kept.defer("body", "data")}


def obliged_to(update: Update) -> list[tuple[AgentName, dt.datetime | None]]:
    """The active members but the author who may see the update, and when each acknowledged."""
    return obliged_to_each([update])[update]


def obliged_to_each(
    updates: Sequence[Update],
) -> dict[Update, list[tuple[AgentName, dt.datetime | None]]]:
    """The same of several updates, with their missions: two queries, however many they are."""
    receipts = Receipt.objects.filter(update__in=updates)
    at = {(one, agent): time for one, agent, time in receipts.values_list("update", "agent", "at")}
    members: defaultdict[UUID, list[Agent]] = defaultdict(list)
    assigned = Assignment.objects.filter(
        mission__in={update.mission_id for update in updates}, agent__is_active=True
    )
    for one in assigned.select_related("agent").order_by("agent__codename", "agent_id"):
        members[one.mission_id].append(one.agent)
    return {
        update: [
            (AgentName(member.codename, member.role), at.get((update.pk, member.pk)))
            for member in members[update.mission_id]
            if member.pk != update.author_id and _is_obliged(member, update)
        ]
        for update in updates
    }


def _is_obliged(member: Agent, update: Update) -> bool:
    return audiences.can_see(
        Looker(member.viewer, assigned=True),
        Clearance(update.mission.classification),
        audience_of(update),
    )


def awaiting_me(agent: Agent, mission_id: UUID) -> QuerySet[Update]:
    """The updates whose acknowledgement the agent is asked for and has not given."""
    return (
        visible_updates(agent)
        .filter(
            Exists(Assignment.objects.filter(mission=OuterRef("mission"), agent=agent)),
            ~Exists(Receipt.objects.filter(update=OuterRef("pk"), agent=agent)),
            mission=mission_id,
            requires_ack=True,
        )
        .exclude(author=agent)
    )


def awaiting_others(agent: Agent, mission_id: UUID) -> QuerySet[Update]:
    """The overdue updates that somebody has still to acknowledge, of those that it oversees.

    These are the agent's own, and for handlers and directors all that they see.
    """
    overseen = reviewable_updates(agent)
    if audiences.may_staff(agent.viewer):
        overseen |= visible_updates(agent)
    return overseen.filter(
        Exists(_missing()), mission=mission_id, requires_ack=True, ack_due_at__lte=Now()
    )


def _missing() -> QuerySet[Assignment]:
    """Within a query of updates: who must acknowledge and has not; `obliged_to` as a queryset."""
    meant = Q()
    for viewer in audiences.VIEWERS:
        seq = OuterRef(seq_column(audiences.stream_for(viewer)))
        meant |= Q(
            IsNull(seq, False), agent__role=viewer.role.value, agent__clearance=viewer.clearance
        )
    acknowledged = Receipt.objects.filter(update=OuterRef(OuterRef("pk")), agent=OuterRef("agent"))
    return Assignment.objects.filter(
        meant,
        ~Q(agent=OuterRef("author")),
        ~Exists(acknowledged),
        mission=OuterRef("mission"),
        agent__is_active=True,
        agent__clearance__gte=OuterRef("mission__classification"),
    )


def acknowledged_by(agent_id: UUID, update_ids: list[Any]) -> list[str]:
    """Which of these updates the agent has acknowledged, in the order given."""
    if not update_ids:
        return []
    done = set(
        Receipt.objects.filter(agent_id=agent_id, update_id__in=update_ids).values_list(
            "update_id", flat=True
        )
    )
    return [str(one) for one in update_ids if one in done]
