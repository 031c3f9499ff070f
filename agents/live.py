"""The process's one channel on the channel layer: what comes in, and what goes out.

Owns the only calls of `group_send`. A writer hands an event over and never waits for the layer:
the event goes into a bounded queue of the serving loop; what does not fit, or takes over a
second, is dropped, because the database is the truth and comparison heals what was lost. A
process without HQ's loop (a command) sends once, within a second.

State belongs to one event loop: made by `current()`, closed by `aclose()`. Called by the sockets,
by `missions.publishing` and `missions.switchboard`, and through `notify_*` by every service that
changes rights or sessions, after commit.
"""

import asyncio
import contextlib
import logging
import time
from collections.abc import Awaitable, Callable, Iterable
from typing import Any
from uuid import UUID

from asgiref.sync import async_to_sync
from channels.layers import InMemoryChannelLayer, get_channel_layer

logger = logging.getLogger(__name__)

Event = dict[str, Any]
Handler = Callable[[Event], None]

NOTICES = "hq.notices"
"""The group of every worker: who should look at its rights or its session again."""

SEND_WITHIN = 1.0
HEARTBEAT_EVERY = 2.0
HEARTBEATS_MISSING = 3
READY_WITHIN = 4.0
"""Seconds without a heartbeat after which others should be sent what is for this process."""

OUTBOX = 1_000


class Live:
    """One loop's channel: subscriptions, events by kind, outbox, heartbeat."""

    def __init__(self) -> None:
        self.loop = asyncio.get_running_loop()
        self._layer: Any = get_channel_layer()
        self._handlers: dict[str, Handler] = {}
        self._closers: list[Callable[[], Awaitable[None]]] = []
        self._groups: set[str] = {NOTICES}
        self._not_joined: set[str] = set()
        self._not_left: set[str] = set()
        self._join_failed = -HEARTBEAT_EVERY
        self._channel: str | None = None
        self._outbox: asyncio.Queue[tuple[float, str, Event]] = asyncio.Queue(OUTBOX)
        self._tasks = [self.loop.create_task(work()) for work in (self._serve, self._send_outbox)]
        self._heard = time.monotonic()

    def on(self, kind: str, handler: Handler) -> None:
        """Calls `handler` in the loop for every event of that kind."""
        self._handlers[kind] = handler

    def on_close(self, closer: Callable[[], Awaitable[None]]) -> None:
        """Has `closer` awaited before the channel closes; the last registered comes first."""
        self._closers.append(closer)

    @property
    def healthy(self) -> bool:
        """Whether the channel heard its own heartbeat lately."""
        return self._channel is not None and time.monotonic() - self._heard < READY_WITHIN

    @property
    def shared(self) -> bool:
        """Whether other processes can reach this one through the layer."""
        return not isinstance(self._layer, InMemoryChannelLayer)

    async def subscribe(self, group: str) -> None:
        """Joins a group, waiting a second at most: when the layer is away, it is joined later.

        Not even that when another join has just failed: a socket on fifty missions would wait for
        each of them.
        """
        self._groups.add(group)
        self._not_joined.add(group)
        self._not_left.discard(group)
        hopeful = time.monotonic() - self._join_failed >= HEARTBEAT_EVERY
        if self._channel is not None and hopeful:
            with contextlib.suppress(Exception):
                await self._join(group, self._channel)

    def unsubscribe(self, group: str) -> None:
        """Leaves a group, with the next heartbeat: nobody waits for the layer to take leave."""
        self._groups.discard(group)
        self._not_joined.discard(group)
        self._not_left.add(group)

    def put(self, group: str, event: Event) -> None:
        """Takes an event to be sent; drops it when the outbox is full."""
        with contextlib.suppress(asyncio.QueueFull):
            self._outbox.put_nowait((time.monotonic(), group, event))

    async def aclose(self) -> None:
        """Ends what was built on the channel, then the tasks, and leaves the layer."""
        for closer in reversed(self._closers):
            try:
                await closer()
            except Exception as error:  # noqa: BLE001  (one part's end is not the others')
                logger.warning("a part of the loop was not closed (%s)", _name(error))
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._leave_layer()

    async def _leave_layer(self) -> None:
        """Forgets the channel: as a whole, or in memory, which loops share, group by group."""
        channel, self._channel = self._channel, None
        with contextlib.suppress(Exception):
            async with asyncio.timeout(SEND_WITHIN):
                if self.shared:
                    await self._layer.flush()
                elif channel is not None:
                    for group in self._groups:
                        await self._layer.group_discard(group, channel)

    async def _join(self, group: str, channel: str) -> None:
        try:
            async with asyncio.timeout(SEND_WITHIN):
                await self._layer.group_add(group, channel)
        except Exception:
            self._join_failed = time.monotonic()
            raise
        self._not_joined.discard(group)

    async def _leave_group(self, group: str, channel: str) -> None:
        try:
            async with asyncio.timeout(SEND_WITHIN):
                await self._layer.group_discard(group, channel)
        finally:
            if group in self._groups:  # wanted again meanwhile: which of the two came last?
                self._not_joined.add(group)
        self._not_left.discard(group)

    async def _send_outbox(self) -> None:
        while True:
            taken, group, event = await self._outbox.get()
            left = SEND_WITHIN - (time.monotonic() - taken)
            if left <= 0:
                continue
            try:
                async with asyncio.timeout(left):
                    await self._layer.group_send(group, event)
            except Exception as error:  # noqa: BLE001  (layers fail in their own ways)
                logger.warning("layer: an event was not sent (%s); it will be healed", _name(error))

    async def _serve(self) -> None:
        """Connects, receives, and connects anew when its own heartbeats stop coming back."""
        while True:
            tasks: list[asyncio.Task[None]] = []
            try:
                async with asyncio.timeout(SEND_WITHIN):
                    channel = await self._layer.new_channel()
                self._channel = channel
                for group in list(self._groups):
                    await self._join(group, channel)
                self._heard = time.monotonic()
                tasks = [self.loop.create_task(self._receive(channel))]
                await self._beat(channel)
                logger.warning("layer: no heartbeat came back, connecting anew")
            except asyncio.CancelledError:
                raise
            except Exception as error:  # noqa: BLE001  (layers fail in their own ways)
                logger.warning("layer: not connected (%s), trying again", _name(error))
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)
            await self._leave_layer()
            await asyncio.sleep(0.5)

    async def _beat(self, channel: str) -> None:
        """Sends a heartbeat every two seconds; joins and leaves what still has to be.

        Returns when three heartbeats have not come back.
        """
        patience = HEARTBEAT_EVERY * HEARTBEATS_MISSING
        while time.monotonic() - self._heard < patience:
            with contextlib.suppress(Exception):
                async with asyncio.timeout(SEND_WITHIN):
                    await self._layer.send(channel, {"type": "hq.heartbeat"})
                # Each call lets others in, who may want a later group again or no more.
                for group in list(self._not_joined):
                    if group in self._not_joined:
                        await self._join(group, channel)
                for group in list(self._not_left):
                    if group in self._not_left:
                        await self._leave_group(group, channel)
            await asyncio.sleep(HEARTBEAT_EVERY)

    async def _receive(self, channel: str) -> None:
        while True:
            event = await self._layer.receive(channel)
            kind = event.get("type")
            if kind == "hq.heartbeat":
                self._heard = time.monotonic()
            elif handler := self._handlers.get(kind):
                try:
                    handler(event)
                except Exception:
                    logger.exception("layer: an event of kind %s was not understood", kind)


_of_loop: dict[asyncio.AbstractEventLoop, Live] = {}


def current() -> Live:
    """The running loop's channel, made at the first call."""
    loop = asyncio.get_running_loop()
    live = _of_loop.get(loop)
    if live is None:
        live = _of_loop[loop] = Live()
    return live


async def aclose() -> None:
    """Closes the running loop's channel, if it has one."""
    live = _of_loop.pop(asyncio.get_running_loop(), None)
    if live is not None:
        await live.aclose()


def healthy() -> bool:
    """Whether every serving loop of this process hears the layer."""
    return all(live.healthy for live in list(_of_loop.values()))


def hand_over(group: str, event: Event) -> None:
    """Gives an event to the serving loop, from any thread, without waiting; call after commit."""
    for loop, live in list(_of_loop.items()):
        try:
            loop.call_soon_threadsafe(live.put, group, event)
        except RuntimeError:  # the loop was closed without `aclose`
            _of_loop.pop(loop, None)
        else:
            return
    layer = get_channel_layer()
    if not isinstance(layer, InMemoryChannelLayer):
        try:
            async_to_sync(_send_once)(group, event)
        except Exception as error:  # noqa: BLE001  (layers fail in their own ways)
            logger.warning("layer: an event was not sent (%s); it will be healed", _name(error))


async def _send_once(group: str, event: Event) -> None:
    layer: Any = get_channel_layer()
    async with asyncio.timeout(SEND_WITHIN):
        await layer.group_send(group, event)


def notify_agents(agent_ids: Iterable[UUID]) -> None:
    """Tells every worker that these agents' rights changed; call after commit."""
    hand_over(NOTICES, {"type": "hq.notice", "agents": [str(one) for one in agent_ids]})


def notify_sessions(session_ids: Iterable[UUID]) -> None:
    """Tells every worker that these sessions ended; call after commit."""
    hand_over(NOTICES, {"type": "hq.notice", "sessions": [str(one) for one in session_ids]})


def _name(error: BaseException) -> str:
    return type(error).__name__
