"""What the database says at one moment, and whether a frame carries only what an agent may see.

Knows the rule's predicate and the rows, and neither streams nor numbers: what it allows is worked
out another way than what HQ sends.
"""

from typing import Any, NamedTuple

from agents.models import Agent
from agents.roles import Clearance
from missions import audiences, selectors
from missions.audiences import Looker
from missions.models import Assignment, Mission, Receipt, Update

Frame = dict[str, Any]

ERROR_FIELDS = {"type", "id", "code", "message", "field"}
SILENT = {"pong", "acknowledged", "unsubscribed", "access_changed", "auth_failed"}
"""Frames that answer what the agent said itself, or tell it of itself."""


class State(NamedTuple):
    """All rows that matter, by the ids of the wire. `acknowledged`: pairs of agent and update."""

    agents: dict[str, Agent]
    missions: dict[str, Mission]
    members: frozenset[tuple[str, str]]
    updates: dict[str, Update]
    acknowledged: frozenset[tuple[str, str]]

    @classmethod
    def read(cls) -> "State":
        """The truth now."""
        assigned = Assignment.objects.values_list("agent_id", "mission_id")
        receipts = Receipt.objects.values_list("agent_id", "update_id")
        written = Update.objects.filter(retracted_at=None).order_by("position")
        return cls(
            {str(one.pk): one for one in Agent.objects.all()},
            {str(one.pk): one for one in Mission.objects.all()},
            frozenset((str(agent), str(mission)) for agent, mission in assigned),
            {str(one.pk): one for one in written},
            frozenset((str(agent), str(update)) for agent, update in receipts),
        )

    def with_log_of(self, other: "State") -> "State":
        """These rights over what was written by another moment."""
        return self._replace(updates=other.updates, acknowledged=other.acknowledged)

    def enters(self, agent: str, mission: str) -> bool:
        """Whether the agent may know of the mission."""
        row = self.missions.get(mission)
        return row is not None and audiences.may_enter(
            self._looker(agent, mission), Clearance(row.classification)
        )

    def sees(self, agent: str, update: Update) -> bool:
        """Whether the update is in the agent's log."""
        mission = str(update.mission_id)
        return mission in self.missions and audiences.can_see(
            self._looker(agent, mission),
            Clearance(self.missions[mission].classification),
            selectors.audience_of(update),
        )

    def log(self, agent: str, mission: str) -> list[str]:
        """The ids of all updates of a mission that the agent sees, in order."""
        return [
            key
            for key, update in self.updates.items()
            if str(update.mission_id) == mission and self.sees(agent, update)
        ]

    def list_for(self, agent: str) -> dict[str, Frame]:
        """The missions that the agent may enter, as they go over the wire."""
        return {key: self._shown(key) for key in self.missions if self.enters(agent, key)}

    def allows(self, agent: str, frame: Frame) -> bool:
        """Whether the agent may be sent this, or this part of a frame, at this moment."""
        kind, mission = frame["type"], frame.get("mission", "")
        match kind:
            case "update":
                return self._carries(agent, mission, frame["update"])
            case "subscribed":
                return self.enters(agent, mission) and all(
                    self._carries(agent, mission, entry["update"]) for entry in frame["updates"]
                )
            case "acknowledgement":
                return (agent, frame["update"]) in self.acknowledged
            case "mission":
                return self._shows(agent, frame["mission"])
            case "presence":
                return self._staffs(agent, mission) and self._are_members(mission, frame["agents"])
            case "receipt":
                return self._oversees(agent, frame) and self._are_members(mission, [frame["agent"]])
            case "overdue":
                return self._oversees(agent, frame) and self._are_members(mission, frame["agents"])
            case "published" | "sent":
                update = frame["update"]
                return self._reviews(agent, update if kind == "sent" else update["id"])
            case "error":
                return frame.keys() <= ERROR_FIELDS
        return kind in SILENT

    def _looker(self, agent: str, mission: str) -> Looker:
        row = self.agents[agent]
        return Looker(row.viewer, (agent, mission) in self.members, row.is_active)

    def _shown(self, mission: str) -> Frame:
        row = self.missions[mission]
        return {
            "id": mission,
            "codename": row.codename,
            "objective": row.objective,
            "status": row.status,
            "classification": Clearance(row.classification).wire,
        }

    def _shows(self, agent: str, mission: Frame) -> bool:
        key = mission["id"]
        return self.enters(agent, key) and self._shown(key) == mission

    def _carries(self, agent: str, mission: str, sent: Frame) -> bool:
        row = self.updates.get(sent["id"])
        if row is None or str(row.mission_id) != mission or not self.sees(agent, row):
            return False
        audience = selectors.audience_of(row)
        return (
            sent["body"] == row.body
            and sent["classification"] == audience.classification.wire
            and set(sent["roles"]) == {role.value for role in audience.roles}
        )

    def _staffs(self, agent: str, mission: str) -> bool:
        return self.enters(agent, mission) and audiences.may_staff(self.agents[agent].viewer)

    def _reviews(self, agent: str, update: str) -> bool:
        row = self.updates.get(update)
        if row is None or str(row.author_id) != agent:
            return False
        mission = str(row.mission_id)
        return mission in self.missions and audiences.may_review(
            self._looker(agent, mission),
            Clearance(self.missions[mission].classification),
            selectors.audience_of(row),
        )

    def _oversees(self, agent: str, frame: Frame) -> bool:
        row = self.updates.get(frame["update"])
        if row is None or str(row.mission_id) != frame["mission"]:
            return False
        staffs = self._staffs(agent, frame["mission"]) and self.sees(agent, row)
        return staffs or self._reviews(agent, frame["update"])

    def _are_members(self, mission: str, names: list[Frame]) -> bool:
        members = {self.agents[agent].codename for agent, where in self.members if where == mission}
        return {one["codename"] for one in names} <= members


def parts_of(frame: Frame) -> list[Frame]:
    """A frame as the things that were true at one moment each.

    A page is one moment's. The list of missions in `welcome` and what was acknowledged are read
    apart from it, and a change between is told of afterwards.
    """
    if frame["type"] == "welcome":
        return [{"type": "mission", "mission": mission} for mission in frame["missions"]]
    if frame["type"] == "subscribed":
        done = [{"type": "acknowledgement", "update": key} for key in frame["acknowledged"]]
        return [frame, *done]
    return [frame]
