"""REST calls about missions, their members, and the agents who may become members."""

from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request

from agents.api.calls import answer
from agents.api.serializers import NoBody
from agents.models import Agent
from agents.protocol import AgentName
from missions import history, selectors, services
from missions.api import serializers, shapes
from missions.api.calls import MissionCall, answers
from missions.api.objects import AgentCandidate
from missions.audiences import may_staff
from missions.protocol import Status

MISSION_ID = OpenApiParameter("mission_id", OpenApiTypes.UUID, OpenApiParameter.PATH)
AGENT_ID = OpenApiParameter("agent_id", OpenApiTypes.UUID, OpenApiParameter.PATH)


class Missions(MissionCall):
    """All missions that the caller sees, and new ones."""

    @extend_schema(
        operation_id="list_missions",
        tags=["missions"],
        responses=answers({200: shapes.Mission(many=True)}),
    )
    def get(self, request: Request) -> HttpResponse:
        """The missions that the caller sees, by codename, then id."""
        missions = selectors.visible_missions(self.agent)
        return answer([history.mission_object(mission) for mission in missions])

    @extend_schema(
        operation_id="create_mission",
        tags=["missions"],
        request=serializers.NewMission,
        responses=answers({201: shapes.Mission}, 400, 403, 413, 415),
    )
    def post(self, request: Request) -> HttpResponse:
        """Creates a mission, by handler or director, classified up to the own clearance."""
        said = self.sent(serializers.NewMission).validated_data
        mission = services.create_mission(
            self.agent, said["codename"], said["objective"], said["classification"]
        )
        return answer(history.mission_object(mission), 201)


@extend_schema(parameters=[MISSION_ID], tags=["missions"])
class OneMission(MissionCall):
    """One mission."""

    @extend_schema(operation_id="read_mission", responses=answers({200: shapes.Mission}, 404))
    def get(self, request: Request, mission_id: str) -> HttpResponse:
        """The mission."""
        return answer(history.mission_object(selectors.mission_for(self.agent, mission_id)))

    @extend_schema(
        operation_id="change_mission",
        request=serializers.MissionChange,
        responses=answers({200: shapes.Mission}, 400, 403, 404, 409, 413, 415),
    )
    def patch(self, request: Request, mission_id: str) -> HttpResponse:
        """Changes what is named, by a handler or director who sees the mission."""
        said = self.sent(serializers.MissionChange).validated_data
        mission = services.change_mission(
            self.agent,
            mission_id,
            codename=said.get("codename"),
            objective=said.get("objective"),
            status=Status(said["status"]) if "status" in said else None,
            classification=said.get("classification"),
        )
        return answer(history.mission_object(mission))


@extend_schema(parameters=[MISSION_ID], tags=["members"])
class Members(MissionCall):
    """Who is on a mission."""

    @extend_schema(
        operation_id="list_members", responses=answers({200: shapes.Member(many=True)}, 404)
    )
    def get(self, request: Request, mission_id: str) -> HttpResponse:
        """The members, to everybody who sees the mission; with ids to who may change them."""
        members = selectors.members_of(self.agent, mission_id)
        shown = candidate if may_staff(self.agent.viewer) else name_of
        return answer([shown(member) for member in members])

    @extend_schema(
        operation_id="add_member",
        request=serializers.NewMember,
        responses=answers({200: shapes.Candidate, 201: shapes.Candidate}, 400, 403, 404, 413, 415),
    )
    def post(self, request: Request, mission_id: str) -> HttpResponse:
        """Adds an agent: 201, or 200 for one who is a member already."""
        said = self.sent(serializers.NewMember).validated_data
        member, created = services.add_member(self.agent, mission_id, said["agent"])
        return answer(candidate(member), 201 if created else 200)


@extend_schema(parameters=[MISSION_ID, AGENT_ID], tags=["members"])
class OneMember(MissionCall):
    """One agent's membership."""

    @extend_schema(
        operation_id="remove_member", responses=answers({204: None}, 400, 403, 404, 413, 415)
    )
    def delete(self, request: Request, mission_id: str, agent_id: str) -> HttpResponse:
        """Takes an agent off the mission."""
        self.sent(NoBody)
        services.remove_member(self.agent, mission_id, agent_id)
        return HttpResponse(status=204)


class Agents(MissionCall):
    """The agents who may become members."""

    @extend_schema(
        operation_id="search_agents",
        tags=["members"],
        parameters=[serializers.AgentSearch],
        responses=answers({200: shapes.Candidate(many=True)}, 400, 403),
    )
    def get(self, request: Request) -> HttpResponse:
        """Active agents whose codename holds the text, to handlers and directors."""
        asked = self.asked(serializers.AgentSearch)
        found = selectors.staff_candidates(self.agent, asked.get("search", ""))
        return answer([candidate(agent) for agent in found])


def name_of(agent: Agent) -> AgentName:
    """An agent as shown to others."""
    return AgentName(codename=agent.codename, role=agent.role)


def candidate(agent: Agent) -> AgentCandidate:
    """An agent as shown to who staffs missions."""
    return AgentCandidate(id=str(agent.id), codename=agent.codename, role=agent.role)
