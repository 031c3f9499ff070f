"""What changes of missions leave in the security log: who may see what, since when, by whom.

Rows in the transaction of the change. Names which mission, update and member by their ids and says
what they were classified as; never what a codename, an objective or an update says. Publishing and
acknowledging leave none. Called last by `missions.services` and `missions.revisions`.
"""

from typing import Any
from uuid import UUID

from agents import audit
from agents.models import Agent
from agents.roles import Clearance
from missions.audiences import Audience
from missions.models import Mission, Update


def mission_created(by: Agent, mission: Mission) -> None:
    """A new mission, with its creator as a member."""
    _record("mission_created", by, mission, classification=_name(mission.classification))


def state_of(mission: Mission) -> dict[str, Any]:
    """What `mission_changed` compares."""
    return {
        "status": mission.status,
        "classification": _name(mission.classification),
        "codename": mission.codename,
        "objective": mission.objective,
    }


def mission_changed(by: Agent, mission: Mission, before: dict[str, Any]) -> None:
    """Old and new of status and classification; of the words only which of them changed."""
    after = state_of(mission)
    changed = [name for name in after if after[name] != before[name]]
    if changed:
        told = [name for name in changed if name in ("status", "classification")]
        changes = {name: [before[name], after[name]] for name in told}
        words = [name for name in changed if name not in told]
        _record("mission_changed", by, mission, changes=changes, words=words)


def member_added(by: Agent, mission: Mission, member: UUID) -> None:
    """An agent was assigned."""
    _record("mission_member_added", by, mission, member)


def member_removed(by: Agent, mission: Mission, member: UUID) -> None:
    """An assignment was ended."""
    _record("mission_member_removed", by, mission, member)


def update_reclassified(by: Agent, update: Update, before: Audience, after: Audience) -> None:
    """An update has another audience; of roles, none means every one."""
    _record(
        "update_reclassified",
        by,
        update.mission,
        update=str(update.pk),
        classification=[before.classification.wire, after.classification.wire],
        roles=[sorted(one.value for one in audience.roles) for audience in (before, after)],
    )


def update_retracted(by: Agent, update: Update) -> None:
    """An update was taken back."""
    _record("update_retracted", by, update.mission, update=str(update.pk))


def mission_exported(by: Agent, mission: Mission, updates: int) -> None:
    """What an agent sees of a mission was written out."""
    _record("mission_exported", by, mission, updates=updates)


def updates_pruned(mission: Mission, updates: int) -> None:
    """The oldest updates of a closed mission were deleted, from a terminal."""
    audit.record("updates_pruned", mission=str(mission.pk), updates=updates)


def _record(
    event: str, by: Agent, mission: Mission, subject: UUID | None = None, **details: Any
) -> None:
    audit.record(event, actor=by.pk, subject=subject, mission=str(mission.pk), **details)


def _name(classification: int) -> str:
    return Clearance(classification).wire
