"""The mission socket: `AuthenticatedConsumer` with missions on it.

Welcomes, subscribes, and re-scopes itself in place when the agent's rights change. What frames
ask is in `missions.commands`, how a stream is joined in `missions.recovery`.
"""

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any

from msgspec import UNSET

from agents import threads
from agents.errors import NotFound, TokenInvalid
from agents.protocol import CloseCode, wire_time
from agents.sockets.consumer import AuthenticatedConsumer, Disconnected
from agents.sockets.credentials import chosen_missions
from missions import commands, limits, oversight
from missions.access import Access, follow_revisions, read_access
from missions.protocol import (
    AccessChanged,
    MissionCommand,
    MissionFrame,
    Unsubscribed,
    Welcome,
    command_decoder,
)
from missions.recovery import Subscriptions

logger = logging.getLogger(__name__)


class MissionConsumer(AuthenticatedConsumer):
    """One open socket of an agent in the room."""

    commands = command_decoder

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._turn = asyncio.Lock()
        self._access: Access | None = None
        self._chosen: list[str] | None = None
        self._resets: set[asyncio.Task[None]] = set()

    async def opened(self) -> None:
        """Sends `welcome` and a `subscribed` for each mission that the URL or HQ chooses."""
        follow_revisions()
        oversight.begin()
        self._chosen = chosen_missions(self.scope["query_string"])
        self._subscriptions = Subscriptions(
            self.outgoing, self.agent_id, self.connection_id, self._reset
        )
        async with self._turn:
            rights = await threads.in_command_thread(read_access, [self.agent_id])
            access = rights.get(self.agent_id)
            if access is None:
                raise TokenInvalid
            self._hold(access)
            self.outgoing.send(
                Welcome(
                    connection=str(self.connection_id),
                    agent=access.agent,
                    expires_at=wire_time(self.expires_at),
                    missions=list(access.missions.values()),
                ),
                live=False,
            )
            for mission_id in access.latest if self._chosen is None else self._chosen:
                if mission_id in access.missions:
                    await self._subscribe(mission_id)
                else:
                    self.answer_error(NotFound(field="missions"), UNSET)

    async def received(self, frame: MissionCommand) -> None:
        """Answers a command; re-scoping waits for its end, and it for re-scoping's."""
        async with self._turn:
            if self.outgoing.closed:
                raise Disconnected
            await commands.run(frame, self.agent_id, self._subscriptions, self.outgoing)

    async def closed(self) -> None:
        """Gives every place up."""
        for task in self._resets:
            task.cancel()
        if self._access is not None:
            self._subscriptions.leave_all()

    def cut(self, access: Access) -> None:
        """Leaves at once what these rights do not reach; unsent bytes of it are dropped."""
        self.access_revision = access.revision
        if self._access is None:
            return
        hidden = self._access.missions.keys() - access.missions.keys()
        cut = self._subscriptions.rights_changed(access.stream, access.missions.keys())
        if (cut or hidden) and self.outgoing.waiting():
            self.outgoing.abort()

    async def rescope(self, access: Access) -> None:
        """Tells the client what changed, in the order of the contract, and joins anew."""
        await self._whole_or_closed(self._rescope(access))

    async def _rescope(self, access: Access) -> None:
        async with self._turn:
            before = self._access
            if before is None or access.revision < self.access_revision:
                return  # not opened, or a newer revision follows
            if access.revision > self.access_revision:
                self.cut(access)  # it came while the socket opened with the rights before it
            if self.outgoing.closed:
                return
            self._hold(access)
            held = self._subscriptions.missions()
            moved = access.viewer != before.viewer
            if moved:
                self._subscriptions.cut_all()  # also what was joined by these rights already
                self.outgoing.send(
                    AccessChanged(role=access.viewer.role, clearance=access.viewer.clearance.wire)
                )
            for mission_id in {*before.missions, *held} - access.missions.keys():
                self._subscriptions.leave(mission_id)
                self.outgoing.send(Unsubscribed(mission=mission_id, reason="access_revoked"))
            known = {} if moved else before.missions
            told = {key: one for key, one in known.items() if key in access.missions}
            for mission_id, mission in access.missions.items():
                if moved or mission != before.missions.get(mission_id):
                    await self.outgoing.room(limits.BACKLOG_BEFORE_SNAPSHOT_BYTES)
                    if access.revision != self.access_revision:
                        # Overtaken: the newer rights are told to who knows no more than this.
                        self._access = access._replace(missions=told)
                        return
                    self.outgoing.send(MissionFrame(mission=mission), live=False)
                    told[mission_id] = mission
                appeared = mission_id not in before.missions and self._chosen is None
                # Cut above, or by a revision in between that was overtaken before it was told.
                cut = mission_id in held and not self._subscriptions.follows(mission_id)
                if appeared or cut:
                    await self._subscribe(mission_id)

    async def _whole_or_closed(self, work: Coroutine[Any, Any, None]) -> None:
        """A client that could not be told everything has to come back: it would miss updates."""
        try:
            await work
        except Exception as error:  # noqa: BLE001  (whatever it was, the socket is not whole)
            logger.warning("a socket could not be made whole (%s)", type(error).__name__)
            self.shut(CloseCode.TRY_AGAIN_LATER, "Not ready. Try again.")

    def _reset(self, mission_id: str) -> None:
        """The stream was renumbered: unsent bytes of it are dropped, a snapshot follows."""
        self._subscriptions.cut(mission_id)
        if self.outgoing.waiting():
            self.outgoing.abort()
            return
        work = self._whole_or_closed(self._send_anew(mission_id))
        task = asyncio.get_running_loop().create_task(work)
        self._resets.add(task)
        task.add_done_callback(self._resets.discard)

    async def _send_anew(self, mission_id: str) -> None:
        async with self._turn:
            if mission_id in self._subscriptions:
                await self._subscribe(mission_id)

    def _hold(self, access: Access) -> None:
        self._access = access
        self.access_revision = access.revision
        self._subscriptions.stream = access.stream

    async def _subscribe(self, mission_id: str) -> None:
        """Subscribes unasked; a mission that vanished meanwhile is owed to the client.

        The agent may be back on it before rights are compared again, and nothing would seem to
        have changed: so the next re-scope subscribes what is cut, or says that it is gone.
        """
        try:
            await self._subscriptions.subscribe(mission_id)
        except NotFound:
            self._subscriptions.owe(mission_id)
