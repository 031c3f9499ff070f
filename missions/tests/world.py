"""A small world in front of HQ: agents, missions, clients, weather, and a judge of all of it.

Writes go through HQ's own services, sockets through its middleware and consumer. After each write
the truth is read; a frame is judged by the truths since the last time that everything was at rest.
"""

import asyncio
import contextlib
import itertools
import json
from collections.abc import Callable
from typing import Any, NamedTuple

from channels.layers import get_channel_layer
from django.utils import timezone

from agents import sessions, threads, watch
from agents.errors import HQError
from agents.models import Agent, Connection, Session
from agents.roles import Clearance, Role
from missions import history, services, switchboard
from missions.models import Assignment, Change, Mission, Presence, Receipt, Update
from missions.tests.client import Client
from missions.tests.truth import Frame, State, parts_of
from missions.tests.weather import Fate, UncertainLayer

ROUNDS_MOST = 40
COMES_BACK = 1012
"""What a server without HQ's extension says in the place of an abort: come back and resume."""


class Login(NamedTuple):
    """An agent's session and a token of it."""

    session: str
    token: str


class World:
    """One world of one loop. `agents` and `missions` are ids, in the order of their making."""

    def __init__(self, agents: list[str], missions: list[str]) -> None:
        self.agents = agents
        self.missions = missions
        self.clients: list[Client] = []
        self.truths = [State.read()]
        self._logins: dict[str, Login] = {}

    @property
    def now(self) -> State:
        """The truth that was read last."""
        return self.truths[-1]

    async def write(self, call: Callable[..., Any], *args: Any, **kwargs: Any) -> None:
        """Tries a write, as whoever it is that may not be allowed to; then reads the truth."""

        def work() -> State:
            with contextlib.suppress(HQError):  # refused: the world stays as it is
                call(*args, **kwargs)
            return State.read()

        self.truths.append(await threads.in_command_thread(work))

    async def log_in(self, agent: str) -> Login | None:
        """The agent's session, a new one if it ended; None for a disabled agent."""
        if not self.now.agents[agent].is_active:
            return None
        if agent not in self._logins:
            session = await threads.in_command_thread(sessions.open_session, self.now.agents[agent])
            pair = await threads.in_command_thread(sessions.issue_pair, session)
            self._logins[agent] = Login(str(session.pk), pair.access)
        return self._logins[agent]

    async def end_session(self, agent: str) -> None:
        """Logs the agent out."""
        login = self._logins.pop(agent, None)
        if login is not None:
            await self.write(sessions.end_session, login.session, "logout")

    async def set_access(self, agent: str, **changes: Any) -> None:
        """Changes rights; who is disabled has no session any more."""
        from agents import accounts

        await self.write(accounts.set_access, self.now.agents[agent].pk, **changes)
        if not self.now.agents[agent].is_active:
            self._logins.pop(agent, None)

    async def found(self, chief: str, level: Clearance) -> None:
        """One more mission."""
        await self.write(found, chief, [], [level])
        self.missions = list(self.now.missions)

    async def flicker(self, agent: str, mission: str, chief: Agent, role: Role) -> None:
        """Takes a membership and gives it back, while the role is changed."""

        async def blink() -> None:
            if (agent, mission) in self.now.members:
                await self.write(services.remove_member, chief, mission, agent)
                await self.write(services.add_member, chief, mission, agent)

        await asyncio.gather(self.set_access(agent, role=role), blink())
        await self.write(lambda: None)

    async def connect(self, agent: str, *, chooses: bool) -> None:
        """One more client."""
        if login := await self.log_in(agent):
            client = Client(agent, chooses=chooses)
            self.clients.append(client)
            await client.connect(login.token, login.session)

    async def come_back(self, client: Client) -> bool:
        """A client whose socket is gone opens another, and resumes; whether it may."""
        if client.open or (login := await self.log_in(client.agent)) is None:
            return False
        await client.leave()
        await client.connect(login.token, login.session)
        return True

    async def time_passes(self) -> None:
        """What is to be acknowledged is overdue from now on."""
        asking = Update.objects.exclude(ack_due_at=None)
        await self.write(asking.update, ack_due_at=timezone.now())

    def weather(self, kind: str, fate: Fate) -> None:
        """What becomes of such events from now on."""
        UncertainLayer.fates[kind] = fate

    async def let_go(self) -> None:
        """What the layer holds arrives."""
        layer: Any = get_channel_layer()
        await layer.let_go()

    async def compare(self) -> None:
        """What each worker does every two seconds."""
        watching = watch.current()
        await watching.compare()
        await watching._follow()
        await switchboard.current().compare()

    async def quiet(self) -> None:
        """Until nothing is on its way, except what the layer holds; then everything is judged."""
        for client in self.clients:
            if client.line is not None:
                client.line.read_again()
        still = 0
        for _ in range(ROUNDS_MOST):
            heard = self._heard()
            await self.compare()
            await asyncio.gather(*(client.fence() for client in self.clients))
            cut_off = [one for one in self.clients if one.code == COMES_BACK]
            back = [await self.come_back(client) for client in cut_off]
            still = 0 if any(back) or self._heard() != heard else still + 1
            if still == 2:
                break
        assert still == 2, "The world does not come to rest."
        self.truths.append(await threads.in_command_thread(State.read))
        await self._judge()

    async def end(self) -> None:
        """Everybody leaves."""
        for client in self.clients:
            await client.leave()

    def _heard(self) -> int:
        """How many frames have come that were not asked for by a fence."""
        return sum(
            frame["type"] != "presence" and not str(frame.get("id", "")).startswith("unsubscribe-")
            for client in self.clients
            for frame in client.frames
        )

    async def _judge(self) -> None:
        for client in self.clients:
            assert client.wrong == [], client.wrong
            for frame in client.frames:
                for part in parts_of(frame):
                    assert self._may_have(client.agent, part), (client.agent, part)
            client.frames.clear()
            if client.open:
                await self._whole(client)
        del self.truths[:-1]

    def _may_have(self, agent: str, part: Frame) -> bool:
        """Whether any rights since the last rest allowed this of any log since then.

        Between the commit that takes a right and the re-scoping, what is new comes by old rights.
        """
        if any(truth.allows(agent, part) for truth in self.truths):
            return True
        return any(
            rights.with_log_of(truth).allows(agent, part)
            for rights, truth in itertools.product(self.truths, self.truths)
        )

    async def _whole(self, client: Client) -> None:
        """What an open client holds is what a fresh look gives its agent."""
        login = self._logins.get(client.agent)
        assert login is not None, "A socket outlived the last session of its agent."
        assert client.session == login.session, "A socket outlived its session."
        visible = self.now.list_for(client.agent)
        ledger = client.ledger
        assert ledger.missions == visible, "Another list of missions than a fresh one."
        assert ledger.rooms.keys() <= visible.keys(), "It holds a mission that it may not see."
        assert client.owed & visible.keys() <= ledger.rooms.keys(), "Deaf to a mission."
        for mission, room in ledger.rooms.items():
            page = await threads.in_command_thread(
                history.page, self.now.agents[client.agent], mission, limit=200
            )
            fresh = {entry.seq or 0: json.loads(bytes(entry.update)) for entry in page.updates}
            log = self.now.log(client.agent, mission)
            assert [update["id"] for update in fresh.values()] == log, "Not what the rule gives."
            assert list(fresh) == list(range(1, page.seq + 1)), "Numbers with a hole."
            assert (room.epoch, room.seq) == (page.epoch, page.seq), "Behind, or another numbering."
            oldest = min(room.updates, default=page.seq + 1)
            due = {seq: update for seq, update in fresh.items() if seq >= oldest}
            assert room.updates == due, "Not what a fresh look gives."
            done = ledger.acknowledged & set(log)
            assert {(client.agent, key) for key in done} <= self.now.acknowledged


def populate(kinds: list[tuple[Role, Clearance]]) -> list[str]:
    """Agents of these roles and clearances: those of the world before, or new ones; their ids."""
    from agents import accounts

    ids = []
    for number, (role, clearance) in enumerate(kinds):
        name = f"agent-{number}"
        given = {"role": role.value, "clearance": clearance.value, "is_active": True}
        if not Agent.objects.filter(username=name).update(**given):
            accounts.create_agent(name, codename=name.title(), role=role, clearance=clearance)
        ids.append(str(Agent.objects.get(username=name).pk))
    return ids


def found(chief: str, members: list[str], levels: list[Clearance]) -> list[str]:
    """Missions of these classifications with these members; their ids."""
    founder = Agent.objects.get(pk=chief)
    made = [services.create_mission(founder, "Mission", "", level) for level in levels]
    for mission, member in itertools.product(made, members):
        services.add_member(founder, mission.pk, member)
    return [str(one.pk) for one in made]


def forget() -> None:
    """Takes everything of a world out of the database, but its agents."""
    for rows in (Receipt, Presence, Change, Update, Assignment, Mission, Connection, Session):
        rows.objects.all().delete()
