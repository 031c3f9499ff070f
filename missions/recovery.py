"""How a socket gets whole: join first, then read history, then merge.

Owns one socket's subscriptions. Every join reads rights, epoch and number afresh; a stream that
is no longer the agent's is left and the right one joined. Never a partial recovery: either exactly
what follows, or a snapshot. Called by `missions.commands` and `missions.consumers`.
"""

import time
from collections.abc import Callable, Collection
from functools import partial
from uuid import UUID

from msgspec import UNSET, UnsetType

from agents import threads
from agents.protocol import FrameId
from agents.sockets.outgoing import Outgoing
from missions import history, limits, presence, switchboard
from missions.feeds import Place, Subscription
from missions.protocol import Page, Subscribed


class Subscriptions:
    """What one socket listens to. `stream` is the agent's stream by the rights applied last."""

    def __init__(
        self,
        outgoing: Outgoing,
        agent_id: UUID,
        connection_id: UUID,
        on_reset: Callable[[str], None],
    ) -> None:
        self._outgoing = outgoing
        self._agent_id = agent_id
        self._connection_id = connection_id
        self._on_reset = on_reset
        self._switchboard = switchboard.current()
        self._presence = presence.current()
        self._places: dict[str, Subscription | None] = {}
        self._there: set[str] = set()
        self._since: dict[str, float] = {}
        self._generation = 0
        self.stream = 0

    def __contains__(self, mission_id: str) -> bool:
        return mission_id in self._places

    def missions(self) -> list[str]:
        """The missions that the client holds, as far as it has been told."""
        return list(self._places)

    def follows(self, mission_id: str) -> bool:
        """Whether the mission's updates go out now: it is held and was not cut."""
        return self._places.get(mission_id) is not None

    async def subscribe(
        self,
        mission_id: str,
        *,
        after: str | None = None,
        epoch: str | None = None,
        frame_id: FrameId | UnsetType = UNSET,
    ) -> None:
        """Sends `subscribed` and follows the stream live; raises `NotFound`.

        After an error a mission that the client held counts as cut: the next re-scope subscribes
        it again or says that it is gone. One that it did not hold leaves nothing behind. Whoever
        was there stays there meanwhile: that a stream was reset is nobody else's to see.
        """
        self.cut(mission_id)
        since = self._since.setdefault(mission_id, time.monotonic())
        try:
            await self._follow(mission_id, since, after, epoch, frame_id)
        except BaseException:
            self._not_there(mission_id)
            raise

    async def _follow(
        self,
        mission_id: str,
        since: float,
        after: str | None,
        epoch: str | None,
        frame_id: FrameId | UnsetType,
    ) -> None:
        on_reset = partial(self._on_reset, mission_id)
        while True:
            # First of all: neither a place nor a history waits for a client that does not read.
            await self._outgoing.room(limits.BACKLOG_BEFORE_SNAPSHOT_BYTES)
            if self._outgoing.closed:
                return
            generation, stream = self._generation, self.stream
            place = await self._switchboard.join(
                self._outgoing,
                mission_id,
                Place(self._agent_id, stream, on_reset, since),
            )
            try:
                head, page = await threads.in_command_thread(
                    history.snapshot_or_following, self._agent_id, mission_id, after, epoch
                )
            except BaseException:
                self._switchboard.leave(place)
                raise
            if self._outgoing.closed or generation != self._generation:
                self._switchboard.leave(place)
            elif head.stream != stream:
                # Rights changed and the notice is still on its way: follow what was read.
                self._switchboard.leave(place)
                self.stream = head.stream
            elif (
                not place.continues(head.position)
                or self._outgoing.waiting() >= limits.BACKLOG_BEFORE_SNAPSHOT_BYTES
            ):
                self._switchboard.leave(place)
            else:
                self._outgoing.send(_subscribed(page, frame_id), live=False)
                self._switchboard.settle(place, head.position)
                self._places[mission_id] = place
                self._there.add(mission_id)
                self._presence.joined(self._connection_id, mission_id, place)
                return

    def leave(self, mission_id: str) -> None:
        """Stops following; the client no longer holds the mission."""
        self._give_up(mission_id)
        self._not_there(mission_id)

    def rights_changed(self, stream: int, visible: Collection[str]) -> list[str]:
        """Cuts what the new rights do not reach, and says what; subscribes under way start again.

        Each place goes by the stream it is in: one that was joined since may be right already.
        """
        self._generation += 1
        self.stream = stream
        lost = [
            mission_id
            for mission_id, place in self._places.items()
            if place is not None and (mission_id not in visible or place.number != stream)
        ]
        for mission_id in lost:
            self.cut(mission_id)
            if mission_id not in visible:
                self._not_there(mission_id)
        return lost

    def cut(self, mission_id: str) -> None:
        """Stops what goes out, at once; the client still holds the mission until it is told."""
        place = self._places.get(mission_id)
        if place is not None:
            self._switchboard.leave(place)
            self._places[mission_id] = None

    def cut_all(self) -> None:
        """The client is about to forget what it holds: nothing goes out until it has it anew."""
        for mission_id in self._places:
            self.cut(mission_id)

    def owe(self, mission_id: str) -> None:
        """The client counts on a mission that could not be subscribed: it is held, but cut."""
        self._places.setdefault(mission_id, None)

    def leave_all(self) -> None:
        """The socket is gone."""
        self._on_reset = _nobody  # it refers back to the socket, which would wait for the collector
        for mission_id in {*self._places, *self._there}:
            self.leave(mission_id)

    def _give_up(self, mission_id: str) -> None:
        place = self._places.pop(mission_id, None)
        if place is not None:
            self._switchboard.leave(place)

    def _not_there(self, mission_id: str) -> None:
        self._since.pop(mission_id, None)
        if mission_id in self._there:
            self._there.discard(mission_id)
            self._presence.left(self._connection_id, mission_id)


def _nobody(mission_id: str) -> None:
    """Whom a reset concerns when the socket is gone."""


def _subscribed(page: Page, frame_id: FrameId | UnsetType) -> Subscribed:
    return Subscribed(
        id=frame_id,
        mission=page.mission,
        epoch=page.epoch,
        seq=page.seq,
        recovered=page.recovered,
        updates=page.updates,
        acknowledged=page.acknowledged,
    )
