"""The people and missions of a run: real rows, real sessions, real tokens, in HQ's own database.

One agent for each socket, spread evenly over 4 missions x 16 viewer classes, each a member of its
mission. Called by `fanout` once Django is set up, with the database that HQ's worker reads.
"""

from dataclasses import dataclass
from typing import Any

from django.contrib.auth.hashers import make_password
from django.core.management import call_command
from django.db import transaction

from agents import sessions
from agents.models import Agent, Session
from agents.roles import Clearance, Role, Viewer
from benchmarks.load import Socket
from missions.audiences import STREAMS, VIEWERS, stream_for
from missions.models import Assignment, Mission
from missions.protocol import Status

MISSIONS = 4
GROUPS = MISSIONS * len(STREAMS)
"""Mission and viewer class together: sockets come in multiples of this."""


@dataclass(frozen=True, slots=True)
class Seat:
    """A socket-to-be: who opens it, on which mission, in which stream."""

    token: str
    mission: int
    stream: int


@dataclass(frozen=True, slots=True)
class Cast:
    """Everybody. `author` is a director cleared for all and a member of every mission."""

    missions: list[Mission]
    author: Agent
    seats: list[Seat]

    def sockets(self, numbers: list[list[int]]) -> list[Socket]:
        """Every socket, given the newest number of each stream of each mission."""
        return [
            Socket(
                seat.token,
                str(self.missions[seat.mission].pk),
                seat.stream,
                numbers[seat.mission][seat.stream],
            )
            for seat in self.seats
        ]


def assemble(sockets: int) -> Cast:
    """Migrates the database and fills it. `sockets` is a multiple of `GROUPS`."""
    call_command("migrate", verbosity=0)
    with transaction.atomic():
        author = _agent("author", stream_for(Viewer(Role.DIRECTOR, Clearance.TOP_SECRET)))
        author.save()
        missions = [
            Mission.objects.create(
                codename=f"Mission {number}",
                objective="Carry load.",
                status=Status.ACTIVE.value,
                classification=Clearance.RESTRICTED.value,
                created_by=author,
            )
            for number in range(MISSIONS)
        ]
        places = [divmod(number % GROUPS, len(STREAMS)) for number in range(sockets)]
        agents = Agent.objects.bulk_create(
            _agent(f"agent-{number}", stream) for number, (_, stream) in enumerate(places)
        )
        Assignment.objects.bulk_create(
            [Assignment(mission=mission, agent=author) for mission in missions]
            + [
                Assignment(mission=missions[mission], agent=agent)
                for agent, (mission, _) in zip(agents, places, strict=True)
            ]
        )
        seats = [
            Seat(_token(agent), mission, stream)
            for agent, (mission, stream) in zip(agents, places, strict=True)
        ]
    return Cast(missions, author, seats)


def keep_heads(cast: Cast, positions: list[int], numbers: list[list[int]]) -> None:
    """Writes into the missions' rows how far their logs were announced."""
    for mission, position, newest in zip(cast.missions, positions, numbers, strict=True):
        Mission.objects.filter(pk=mission.pk).update(position=position, numbers=newest)


def heads(cast: Cast) -> tuple[list[int], list[list[int]]]:
    """Position and numbers of each mission as the database has them."""
    rows = Mission.objects.in_bulk([mission.pk for mission in cast.missions])
    ordered = [rows[mission.pk] for mission in cast.missions]
    return [row.position for row in ordered], [row.numbers for row in ordered]


def _agent(name: str, stream: int) -> Agent:
    viewer = VIEWERS[stream]
    fields: dict[str, Any] = {"role": viewer.role.value, "clearance": viewer.clearance.value}
    return Agent(username=name, codename=name, password=make_password(None), **fields)


def _token(agent: Agent) -> str:
    session = sessions.open_session(agent, kind=Session.Kind.SERVICE, name="benchmark")
    return sessions.issue_access(session)[0]
