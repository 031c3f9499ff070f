"""Writes to missions: each one transaction that checks the rule on locked rows, then announces.

The only writer of mission rows. Locks in the order mission, agent, audit log. Numbers and positions
are given under the mission's row lock, so that commit order is the order everybody sees. Called by
REST, sockets, commands. Raises the errors of `agents.errors` and `missions.errors`.
"""

import datetime as dt
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import F, Q
from django.db.models.functions import Now

from agents import live
from agents.errors import Forbidden, Invalid, NotFound
from agents.models import Agent
from agents.roles import Clearance, Role
from missions import audiences, limits, publishing, selectors, trail
from missions.audiences import Audience
from missions.clock import LockedAt
from missions.drafts import Draft, check_text
from missions.errors import Conflict, MissionClosed
from missions.history import update_bytes
from missions.models import Assignment, Change, Mission, Receipt, Update, seq_column
from missions.protocol import Kind, Status

STAFF_KINDS = frozenset({Kind.ORDER, Kind.STATUS})
"""What handlers and directors alone may publish."""


def publish(agent: Agent, mission_id: UUID | str, draft: Draft) -> Update:
    """Stores an update, numbers it in every stream that may see it, and announces it.

    A repeat of `client_id` by the same author returns the first update, whatever the mission's
    state; with other content it raises `Conflict`.
    """
    draft.check()
    with transaction.atomic():
        mission, author = locked(agent, mission_id)
        if draft.client_id is not None:
            earlier = Update.objects.filter(
                mission=mission, author=author, client_id=draft.client_id
            ).first()
            if earlier is not None:
                return _repeated(earlier, draft, mission, author)
        audience = _checked_audience(draft, mission, author)
        return append(mission, author, draft, audience)


def append(mission: Mission, author: Agent, draft: Draft, audience: Audience) -> Update:
    """Writes one update at the log's next position; the mission's row is locked by the caller."""
    streams = audiences.streams_of(audience)
    mission.position += 1
    for stream in streams:
        mission.numbers[stream] += 1
    mission.save(update_fields=["position", "numbers"])
    numbers = {stream: mission.numbers[stream] for stream in streams}
    columns: dict[str, Any] = {seq_column(stream): seq for stream, seq in numbers.items()}
    update = Update.objects.create(
        mission=mission,
        author=author,
        author_codename=author.codename,
        author_role=author.role,
        kind=draft.kind.value,
        body=draft.body,
        data=draft.data,
        classification=audience.classification.value,
        roles=audiences.roles_mask(audience.roles),
        requires_ack=draft.requires_ack,
        ack_within=draft.ack_within,
        client_id=draft.client_id,
        created_at=mission.now,
        ack_due_at=None
        if draft.ack_within is None
        else mission.now + dt.timedelta(seconds=draft.ack_within),
        position=mission.position,
        **columns,
    )
    change = Change.objects.create(
        mission=mission,
        position=mission.position,
        update=update,
        numbers={str(stream): seq for stream, seq in numbers.items()},
        epochs={str(stream): mission.epochs[stream] for stream in streams},
    )
    event = publishing.update_event(
        mission.pk, change.position, change.numbers, change.epochs, update_bytes(update)
    )
    transaction.on_commit(lambda: publishing.announce(event))
    return update


def create_mission(
    agent: Agent, codename: str, objective: str, classification: Clearance
) -> Mission:
    """A planned mission with its creator as the first member; by handlers and directors."""
    _check_words(codename, objective)
    with transaction.atomic():
        creator = _active(agent)
        if not audiences.may_staff(creator.viewer):
            raise Forbidden("Only handlers and directors create missions.")
        if classification > creator.clearance:
            raise Forbidden("The classification is above your clearance.")
        mission = Mission.objects.create(
            codename=codename,
            objective=objective,
            classification=classification.value,
            created_by=creator,
        )
        Assignment.objects.create(mission=mission, agent=creator)
        _revise(Q(pk=creator.pk) | Q(role=Role.DIRECTOR.value))
        trail.mission_created(creator, mission)
    return mission


def change_mission(
    agent: Agent,
    mission_id: UUID | str,
    *,
    codename: str | None = None,
    objective: str | None = None,
    status: Status | None = None,
    classification: Clearance | None = None,
) -> Mission:
    """Changes what is given. A classification may not exceed the own clearance."""
    with transaction.atomic():
        mission, changer = locked(agent, mission_id)
        if not audiences.may_staff(changer.viewer):
            raise Forbidden("Only handlers and directors change missions.")
        if classification is not None and classification > changer.clearance:
            raise Forbidden("The classification is above your clearance.")
        before = trail.state_of(mission)
        mission.codename = mission.codename if codename is None else codename
        mission.objective = mission.objective if objective is None else objective
        mission.status = mission.status if status is None else status.value
        if classification is not None:
            mission.classification = classification.value
        _check_words(mission.codename, mission.objective)
        mission.access_revision += 1
        mission.changed_at = mission.now
        mission.save(
            update_fields=[
                "codename",
                "objective",
                "status",
                "classification",
                "access_revision",
                "changed_at",
            ]
        )
        _revise(Q(assignments__mission=mission) | Q(role=Role.DIRECTOR.value))
        trail.mission_changed(changer, mission, before)
    return mission


def add_member(agent: Agent, mission_id: UUID | str, agent_id: UUID | str) -> tuple[Agent, bool]:
    """Assigns an active agent; whether it was not yet a member comes second."""
    with transaction.atomic():
        mission, staffer = locked_for_staffing(agent, mission_id)
        member = Agent.objects.filter(pk=selectors.parsed_id(agent_id), is_active=True).first()
        if member is None:
            raise NotFound
        _, created = Assignment.objects.get_or_create(mission=mission, agent=member)
        if created:
            _membership_changed(mission, member.pk)
            trail.member_added(staffer, mission, member.pk)
    return member, created


def remove_member(agent: Agent, mission_id: UUID | str, agent_id: UUID | str) -> None:
    """Ends an assignment; `NotFound` when there is none."""
    with transaction.atomic():
        mission, staffer = locked_for_staffing(agent, mission_id)
        member_id = selectors.parsed_id(agent_id)
        ended, _ = Assignment.objects.filter(mission=mission, agent_id=member_id).delete()
        if not ended:
            raise NotFound
        _membership_changed(mission, member_id)
        trail.member_removed(staffer, mission, member_id)


def acknowledge(agent: Agent, update_id: UUID | str) -> None:
    """Stores the agent's receipt; the first time stands. `Invalid` where none is asked."""
    with transaction.atomic():
        update = (
            selectors.visible_updates(agent)
            .annotate(now=Now())
            .filter(pk=selectors.parsed_id(update_id))
            .first()
        )
        if update is None:
            raise NotFound
        if not update.requires_ack:
            raise Invalid("This update asks for no acknowledgement.", field="update")
        receipt, created = Receipt.objects.get_or_create(
            update=update, agent=agent, defaults={"at": update.now}
        )
        if created:
            event = publishing.receipt_event(update, agent, receipt.at)
            transaction.on_commit(lambda: publishing.announce(event))


def locked(agent: Agent, mission_id: UUID | str) -> tuple[Mission, Agent]:
    """The mission, its row locked, and the agent as it is now; `NotFound` unless it may enter."""
    mission = (
        Mission.objects.select_for_update(no_key=True)
        .annotate(locked_at=LockedAt())
        .filter(pk=selectors.parsed_id(mission_id))
        .first()
    )
    if mission is None:
        raise NotFound
    mission.now = mission.locked_at
    current = _active(agent)
    looker = selectors.looker_at(current, mission)
    if not audiences.may_enter(looker, Clearance(mission.classification)):
        raise NotFound
    return mission, current


def locked_for_staffing(agent: Agent, mission_id: UUID | str) -> tuple[Mission, Agent]:
    """As `locked`, and `Forbidden` but to handlers and directors."""
    mission, current = locked(agent, mission_id)
    if not audiences.may_staff(current.viewer):
        raise Forbidden("Only handlers and directors staff missions.")
    return mission, current


def _active(agent: Agent) -> Agent:
    current = Agent.objects.filter(pk=agent.pk, is_active=True).first()
    if current is None:
        raise NotFound
    return current


def _checked_audience(draft: Draft, mission: Mission, author: Agent) -> Audience:
    """Whether this author may say this to these; the audience of the update."""
    viewer, floor = author.viewer, Clearance(mission.classification)
    classification = floor if draft.classification is None else draft.classification
    if draft.kind in STAFF_KINDS and not audiences.may_staff(viewer):
        raise Forbidden(f"Only handlers and directors publish kind {draft.kind.value}.")
    if classification > viewer.clearance:
        raise Forbidden("The classification is above your clearance.")
    if classification < floor:
        raise Forbidden("The classification is below the mission's.")
    if not Status(mission.status).open:
        raise MissionClosed
    return Audience(classification, draft.roles)


def _repeated(earlier: Update, draft: Draft, mission: Mission, author: Agent) -> Update:
    """The update that this `client_id` stands for, if the content is the same."""
    looker = selectors.looker_at(author, mission)
    audience = selectors.audience_of(earlier)
    if not audiences.may_review(looker, Clearance(mission.classification), audience):
        raise Forbidden("The classification is above your clearance.")
    same_audience = earlier.revised_at is not None or (  # who revised it was not the author
        draft.classification in (None, audience.classification) and audience.roles == draft.roles
    )
    same = (
        same_audience
        and earlier.kind == draft.kind.value
        and earlier.body == draft.body
        and earlier.data == draft.data
        and earlier.requires_ack == draft.requires_ack
        and earlier.ack_within == draft.ack_within
    )
    if not same:
        raise Conflict(field="client_id")
    return earlier


def _check_words(codename: str, objective: str) -> None:
    check_text(codename, "codename")
    check_text(objective, "objective")
    if not 1 <= len(codename.strip()) <= len(codename) <= limits.CODENAME_LENGTH:
        raise Invalid(f"A codename has 1 to {limits.CODENAME_LENGTH} characters.", field="codename")
    if len(objective) > limits.OBJECTIVE_LENGTH:
        raise Invalid(
            f"An objective has at most {limits.OBJECTIVE_LENGTH:,} characters.", field="objective"
        )


def _membership_changed(mission: Mission, agent_id: UUID) -> None:
    Mission.objects.filter(pk=mission.pk).update(access_revision=F("access_revision") + 1)
    _revise(Q(pk=agent_id))


def _revise(affected: Q) -> None:
    """Raises the access revision of these agents and tells the workers after commit.

    Locks the agents in the order of their ids, so that two writers cannot wait for each other.
    """
    agents = Agent.objects.filter(pk__in=Agent.objects.filter(affected).values("pk"))
    ids = list(agents.select_for_update(no_key=True).order_by("pk").values_list("pk", flat=True))
    Agent.objects.filter(pk__in=ids).update(access_revision=F("access_revision") + 1)
    transaction.on_commit(lambda: live.notify_agents(ids))
