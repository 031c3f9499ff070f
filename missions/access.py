"""What an agent may see as a whole, and the re-scoping of open sockets when that changes.

`read_access` applies the one rule to many agents in three queries. `Rescoper` is what
`agents.watch` calls with the sockets whose agents' rights were revised: what is lost is cut in
the same turn of the loop, and then each socket is told, at its own pace.
"""

import asyncio
import logging
from collections.abc import Iterable
from typing import NamedTuple, Protocol, runtime_checkable
from uuid import UUID

from agents import live, threads, watch
from agents.models import Agent
from agents.protocol import AgentObject
from agents.roles import Clearance, Role, Viewer
from missions import audiences, limits
from missions.audiences import Looker
from missions.history import mission_object
from missions.models import Assignment, Mission
from missions.protocol import MissionObject, Status

logger = logging.getLogger(__name__)


class Access(NamedTuple):
    """An agent's rights at one revision. `missions` by id, in the order of lists."""

    revision: int
    agent: AgentObject
    viewer: Viewer
    missions: dict[str, MissionObject]
    latest: list[str]
    """Planned and active missions, the ones changed last, in the order of lists."""

    @property
    def stream(self) -> int:
        """The number of the agent's stream in every mission."""
        return audiences.stream_for(self.viewer)


@runtime_checkable
class RescopedSocket(Protocol):
    """What the rescoper needs of a mission socket."""

    agent_id: UUID

    def cut(self, access: Access) -> None:
        """Leaves every stream that these rights do not reach, at once."""

    async def rescope(self, access: Access) -> None:
        """Tells the client, and joins what these rights reach."""

    def session_ended(self, reason: str = "") -> None:
        """The agent is gone."""


def read_access(agent_ids: Iterable[UUID]) -> dict[UUID, Access]:
    """The rights of these agents as they are now; who is missing or disabled is left out."""
    agents = list(Agent.objects.filter(pk__in=set(agent_ids), is_active=True))
    assigned: dict[UUID, set[UUID]] = {agent.pk: set() for agent in agents}
    everywhere = any(agent.viewer.role is Role.DIRECTOR for agent in agents)
    for agent_id, mission_id in Assignment.objects.filter(agent__in=agents).values_list(
        "agent_id", "mission_id"
    ):
        assigned[agent_id].add(mission_id)
    missions = Mission.objects.defer("numbers", "epochs", "position").order_by("codename", "id")
    if not everywhere:
        missions = missions.filter(pk__in=set().union(*assigned.values()))
    rows = [(mission, mission_object(mission)) for mission in missions]
    return {agent.pk: _access_of(agent, assigned[agent.pk], rows) for agent in agents}


def _access_of(
    agent: Agent, assigned: set[UUID], rows: list[tuple[Mission, MissionObject]]
) -> Access:
    viewer = agent.viewer
    visible = [
        (mission, shown)
        for mission, shown in rows
        if audiences.may_enter(
            Looker(viewer, mission.pk in assigned), Clearance(mission.classification)
        )
    ]
    going = [mission for mission, _ in visible if Status(mission.status).open]
    going.sort(key=lambda mission: mission.changed_at, reverse=True)
    latest = {mission.pk for mission in going[: limits.AUTO_SUBSCRIBED]}
    return Access(
        revision=agent.access_revision,
        agent=AgentObject(
            str(agent.pk), agent.username, agent.codename, viewer.role, viewer.clearance.wire
        ),
        viewer=viewer,
        missions={shown.id: shown for _, shown in visible},
        latest=[shown.id for mission, shown in visible if mission.pk in latest],
    )


class Rescoper:
    """Takes revised sockets from one loop's watch."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[None]] = set()
        watch.current().on_revised(self._revised)

    async def _revised(self, sockets: list[watch.WatchedSocket]) -> None:
        mine = [socket for socket in sockets if isinstance(socket, RescopedSocket)]
        rights = await threads.in_watch_thread(read_access, {socket.agent_id for socket in mine})
        for socket in mine:
            access = rights.get(socket.agent_id)
            if access is None:
                socket.session_ended("disabled")
                continue
            socket.cut(access)
            task = asyncio.get_running_loop().create_task(socket.rescope(access))
            self._tasks.add(task)
            task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()):
            logger.warning("a socket was not re-scoped (%s)", type(error).__name__)


_of_loop: dict[asyncio.AbstractEventLoop, Rescoper] = {}


def follow_revisions() -> None:
    """Has the running loop's watch re-scope mission sockets."""
    loop = asyncio.get_running_loop()
    if loop not in _of_loop:
        _of_loop[loop] = Rescoper()
        live.current().on_close(_end)


async def _end() -> None:
    _of_loop.pop(asyncio.get_running_loop(), None)
