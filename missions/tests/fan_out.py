"""One worker's fan-out in a test's hand: its switchboard, sockets that listen, the layer."""

import asyncio
from collections.abc import Sequence
from typing import Any

import msgspec

from agents import live, threads
from agents.models import Agent, Session
from agents.protocol import CloseCode
from agents.roles import Role
from missions import audiences, changes, publishing, services, switchboard
from missions.drafts import Draft
from missions.feeds import Place, Subscription
from missions.models import Mission
from missions.protocol import Kind
from tests.cast import ANALYST, HANDLER, Member
from tests.layers import FaultyLayer
from tests.patience import PATIENCE

STREAM = audiences.stream_for(audiences.VIEWERS[audiences.ROLES.index(Role.ANALYST) * 4 + 2])


class Listener:
    """A socket that remembers the bodies it got."""

    def __init__(self) -> None:
        self.bodies: list[str] = []
        self.seqs: list[int] = []
        self.resets = 0
        self._news = asyncio.Event()

    def write(self, frames: bytes, payloads: Sequence[bytes]) -> None:
        """Takes frames."""
        for payload in payloads:
            frame = msgspec.json.decode(payload)
            self.bodies.append(frame["update"]["body"])
            self.seqs.append(frame["seq"])
        self._news.set()

    def waiting(self) -> int:
        """It takes all at once."""
        return 0

    def reset(self) -> None:
        """What it holds is void."""
        self.resets += 1
        self._news.set()

    async def until(self, body: str | None) -> None:
        """Until it got that body; without one, until it was reset."""
        async with asyncio.timeout(PATIENCE):
            while not (body in self.bodies if body else self.resets):
                self._news.clear()
                await self._news.wait()


class Watched:
    """A socket in front of which rights are compared."""

    def __init__(self, session: Session) -> None:
        self.session_id, self.agent_id = session.pk, session.agent_id
        self.access_revision = session.agent.access_revision

    def session_ended(self, reason: str = "") -> None:
        """The session is over."""

    def shut(self, code: CloseCode, reason: str) -> None:
        """Closes."""


class Worker:
    """The loop's switchboard, and the layer in the test's hand."""

    def __init__(self, cast: dict[Member, Agent], mission: Mission, layer: FaultyLayer) -> None:
        self.cast, self.mission, self.layer = cast, mission, layer
        self.board = switchboard.current()

    @property
    def group(self) -> str:
        """Where the mission's events go."""
        return publishing.group_of(self.mission.pk)

    async def follow(self, *, stream: int = STREAM, position: int | None = None) -> Listener:
        """A settled listener at the log's newest position."""
        listener = Listener()
        place = await self.join(listener, stream)
        if position is None:
            ((_, position),) = await threads.in_command_thread(changes.positions, [self.mission.pk])
        assert place.continues(position)
        self.board.settle(place, position)
        return listener

    async def join(self, listener: Listener, stream: int = STREAM) -> Subscription:
        """A place that waits for its history."""
        place = Place(self.cast[ANALYST].pk, stream, listener.reset)
        return await self.board.join(listener, str(self.mission.pk), place)

    async def publish(self, body: str, **fields: Any) -> dict[str, Any]:
        """Commits an update; the layer holds its event back."""
        draft = Draft(kind=Kind.REPORT, body=body, **fields)
        await threads.in_command_thread(
            services.publish, self.cast[HANDLER], self.mission.pk, draft
        )
        return await self.layer.held()

    async def deliver(self, event: dict[str, Any]) -> None:
        """The layer brings an event; back when the worker has dealt with it."""
        await self.layer.deliver(self.group, event)
        await self.fence()

    async def fence(self) -> None:
        """Until the worker has dealt with all that the layer brought on the mission."""
        heard = asyncio.Event()
        live.current().on("test.fence", lambda _: heard.set())
        await self.layer.deliver(self.group, {"type": "test.fence"})
        async with asyncio.timeout(PATIENCE):
            await heard.wait()
