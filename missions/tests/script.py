"""What can happen in a random world: steps that Hypothesis draws, and what each does.

A step never waits for what it set going: frames, joins and re-scopings meet the steps after it.
"""

import asyncio
import itertools
from collections.abc import Coroutine
from typing import Any

from agents import live
from agents.roles import Clearance, Role
from missions import revisions, services
from missions.drafts import Draft
from missions.protocol import Kind, Status
from missions.tests.client import Client
from missions.tests.steps import CHIEF, OUTSIDER, Kinds, Said, Step
from missions.tests.weather import Fate, UncertainLayer
from missions.tests.world import World, forget, found, populate

SOCKETS_MOST = 8
MISSIONS_MOST = 5


class Script:
    """Plays steps in a world of its own."""

    def __init__(self) -> None:
        self.runner = asyncio.Runner()
        self.words = itertools.count()
        UncertainLayer.clear_up()

    def play(
        self,
        steps: list[Step],
        *,
        agents: Kinds,
        outsider: tuple[Role, Clearance],
        levels: list[Clearance],
        sockets: list[tuple[int, bool]],
    ) -> None:
        """Six agents, of whom four are on all missions, some sockets, and what happens to them."""
        chief = (Role.DIRECTOR, Clearance.TOP_SECRET)
        ids = populate([chief, outsider, *agents])
        self.world = World(ids, found(ids[CHIEF], ids[OUTSIDER + 1 :], levels))
        try:
            for agent, chooses in sockets:
                self.connect(agent, chooses)
                for pick in range(len(levels) if chooses else 0):
                    self.subscribe(len(self.world.clients) - 1, pick, False)
            for name, drawn in steps:
                getattr(self, name)(**drawn)
            self.come_to_rest()
        finally:
            self.do(self.world.end())
            self.do(live.aclose())
            self.runner.close()
            forget()

    def do(self, work: Coroutine[Any, Any, object]) -> None:
        """Runs the world until that is done; what it set going goes on later."""
        self.runner.run(work)

    def agent(self, number: int) -> Any:
        """An agent's row."""
        return self.world.now.agents[self.world.agents[number]]

    def mission(self, pick: int) -> str:
        """One of the missions."""
        return self.world.missions[pick % len(self.world.missions)]

    def client(self, pick: int) -> Client:
        """One of the clients; there is always one."""
        return self.world.clients[pick % len(self.world.clients)]

    def written(self, pick: int) -> str:
        """One of the updates, or none's id."""
        keys = list(self.world.now.updates)
        return keys[pick % len(keys)] if keys else "none"

    # What is written.

    def publish(self, by: int, mission: int, said: Said) -> None:
        """Somebody says something to somebody, as far as it may."""
        self.say(by, mission, said)

    def publish_several(self, mission: int, several: list[Said]) -> None:
        """One thing after the other is said, to these and to those."""
        for said in several:
            self.say(CHIEF, mission, said)

    def say(self, by: int, mission: int, said: Said) -> None:
        """A level out of the author's reach becomes the nearest within it."""
        level, roles, asks = said
        key = self.mission(mission)
        lowest = Clearance(self.world.now.missions[key].classification)
        draft = Draft(
            kind=Kind.REPORT,
            body=f"said {next(self.words)}",
            classification=Clearance(max(lowest, min(level, self.agent(by).clearance))),
            roles=roles,
            requires_ack=asks,
            ack_within=60 if asks else None,
        )
        self.do(self.world.write(services.publish, self.agent(by), key, draft))

    def reclassify(self, pick: int, level: Clearance, roles: frozenset[Role]) -> None:
        """An update is for others now."""
        self.revise(revisions.reclassify, pick, classification=level, roles=roles)

    def retract(self, pick: int) -> None:
        """An update is taken back."""
        self.revise(revisions.retract, pick)

    def revise(self, change: Any, pick: int, **fields: Any) -> None:
        """By the one who sees everything."""
        self.do(self.world.write(change, self.agent(CHIEF), self.written(pick), **fields))

    def acknowledge(self, by: int, pick: int) -> None:
        """Somebody has read something, or says so."""
        self.do(self.world.write(services.acknowledge, self.agent(by), self.written(pick)))

    def time_passes(self) -> None:
        """All that was to be acknowledged is overdue."""
        self.do(self.world.time_passes())

    # Who may see what.

    def assign(self, agent: int, mission: int) -> None:
        """A new member."""
        self.staff(services.add_member, agent, mission)

    def unassign(self, agent: int, mission: int) -> None:
        """A member less."""
        self.staff(services.remove_member, agent, mission)

    def staff(self, change: Any, agent: int, mission: int) -> None:
        """Changes who is on a mission."""
        self.do(
            self.world.write(
                change, self.agent(CHIEF), self.mission(mission), self.world.agents[agent]
            )
        )

    def move(self, agent: int, role: Role | None, level: Clearance | None) -> None:
        """Another role, another clearance, or both."""
        self.do(self.world.set_access(self.world.agents[agent], role=role, clearance=level))

    def flicker(self, agent: int, mission: int, role: Role) -> None:
        """A member is off a mission for a moment, while its role changes."""
        key = self.world.agents[agent]
        self.do(self.world.flicker(key, self.mission(mission), self.agent(CHIEF), role))

    def clear_outsider(self, level: Clearance) -> None:
        """No clearance makes the outsider a member."""
        self.do(self.world.set_access(self.world.agents[OUTSIDER], clearance=level))

    def disable(self, agent: int, active: bool) -> None:
        """An account is closed, or opened again."""
        self.do(self.world.set_access(self.world.agents[agent], is_active=active))

    def end_session(self, agent: int) -> None:
        """Somebody logs out."""
        self.do(self.world.end_session(self.world.agents[agent]))

    def change_mission(self, mission: int, level: Clearance | None, status: Status | None) -> None:
        """A mission is reclassified, or goes on, or ends."""
        self.do(
            self.world.write(
                services.change_mission,
                self.agent(CHIEF),
                self.mission(mission),
                classification=level,
                status=status,
            )
        )

    def found_mission(self, level: Clearance) -> None:
        """One more mission, of the chief's."""
        chief = self.world.agents[CHIEF]
        if len(self.world.missions) < MISSIONS_MOST:
            self.do(self.world.found(chief, level))

    # Sockets.

    def connect(self, agent: int, chooses: bool) -> None:
        """One more socket, which is told everything, or asks for what it wants."""
        if len(self.world.clients) < SOCKETS_MOST:
            self.do(self.world.connect(self.world.agents[agent], chooses=chooses))

    def drop(self, pick: int) -> None:
        """A network is gone."""
        self.do(self.client(pick).leave())

    def come_back(self, pick: int, chooses: bool) -> None:
        """A client comes back and resumes what it holds."""
        client = self.client(pick)
        if not client.open:
            client.chooses = chooses
            self.do(self.world.come_back(client))

    def miss(self, pick: int, what: Step) -> None:
        """A client is away while something happens, and resumes what it held."""
        self.drop(pick)
        name, drawn = what
        getattr(self, name)(**drawn)
        self.come_back(pick, chooses=True)

    def subscribe(self, pick: int, mission: int, resume: bool) -> None:
        """A client asks for a mission; nobody waits for the answer."""
        if self.client(pick).open:
            self.client(pick).subscribe(self.mission(mission), resume=resume)

    def unsubscribe(self, pick: int, mission: int) -> None:
        """A client wants to hear no more of a mission."""
        if self.client(pick).reads:
            self.do(self.client(pick).ask("unsubscribe", mission=self.mission(mission)))

    def publish_by_socket(self, pick: int, mission: int) -> None:
        """A client says something."""
        said = {"kind": "report", "body": f"said {next(self.words)}"}
        self.ask(pick, "publish", mission=self.mission(mission), **said)

    def acknowledge_by_socket(self, pick: int, update: int) -> None:
        """A client has read something."""
        self.ask(pick, "acknowledge", update=self.written(update))

    def ask(self, pick: int, kind: str, /, **fields: Any) -> None:
        """A write through a socket that reads; the truth is read after its answer."""
        client = self.client(pick)
        if client.reads:
            self.do(client.ask(kind, **fields))
            self.do(self.world.write(lambda: None))

    def stop_reading(self, pick: int) -> None:
        """A client takes nothing for a while."""
        line = self.client(pick).line
        if line is not None:
            line.stop_reading()

    # Weather.

    def turn(self, kind: str, fate: Fate) -> None:
        """The layer does something else with such events."""
        self.world.weather(kind, fate)

    def let_go(self) -> None:
        """What the layer held arrives, the newest first."""
        self.do(self.world.let_go())

    def compare(self) -> None:
        """The worker looks at the database."""
        self.do(self.world.compare())

    def come_to_rest(self) -> None:
        """Everything settles and is judged."""
        self.do(self.world.quiet())
