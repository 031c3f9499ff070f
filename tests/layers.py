"""Channel layers that lose, hold and refuse, as HQ must expect of any; set as a setting is.

The layer is Channels' and not HQ's: what comes out of HQ is heard here. Called by tests of both
apps.
"""

import asyncio
from typing import Any, TypeVar

from channels.layers import BaseChannelLayer, InMemoryChannelLayer, get_channel_layer
from pytest_django.fixtures import Settings

from tests.patience import PATIENCE

L = TypeVar("L", bound=BaseChannelLayer)
Event = dict[str, Any]


def use(settings: Settings, kind: type[L]) -> L:
    """A layer of that kind, which is the process's until the test ends."""
    settings.CHANNEL_LAYERS = {"default": {"BACKEND": f"{kind.__module__}.{kind.__qualname__}"}}
    layer = get_channel_layer()
    assert isinstance(layer, kind)
    return layer


class OtherProcesses(BaseChannelLayer):  # type: ignore[misc]  # channels ships no types
    """Reaches other processes, as Redis does: what was sent to them, by group and in order."""

    def __init__(self) -> None:
        super().__init__()
        self.sent: list[tuple[str, Event]] = []
        self.fails: set[str] = set()

    async def group_send(self, group: str, message: Event) -> None:
        """Takes an event; one of a kind in `fails` is lost on the way."""
        self.sent.append((group, message))
        if message["type"] in self.fails:
            raise ConnectionError("away")

    def events(self, kind: str) -> list[Event]:
        """The events of that kind."""
        return [event for _, event in self.sent if event["type"] == kind]


class FaultyLayer(InMemoryChannelLayer):  # type: ignore[misc]  # channels ships no types
    """A layer whose parts can be made to fail, and that says who joins and leaves.

    Events of a kind in `holds` are kept back until the test has them delivered, or never are.
    """

    def __init__(self) -> None:
        super().__init__(capacity=10_000)
        self.refuses_groups = False
        self.hangs = False
        self.silent = False
        self.gave_up = asyncio.Event()
        self.hanging_joins = 0
        self.hung = asyncio.Event()
        self.joins: asyncio.Queue[tuple[str, str]] = asyncio.Queue()
        self.leaving: asyncio.Queue[str] = asyncio.Queue()
        self.leaves: asyncio.Queue[str] = asyncio.Queue()
        self.may_leave = asyncio.Event()
        self.may_leave.set()
        self.holds: set[str] = set()
        self._held: asyncio.Queue[Event] = asyncio.Queue()

    async def group_add(self, group: str, channel: str) -> None:
        """Joins, unless refused."""
        if self.refuses_groups:
            raise ConnectionError("away")
        if self.hangs:
            self.hanging_joins += 1
            self.hung.set()
            await asyncio.Event().wait()
        await super().group_add(group, channel)
        self.joins.put_nowait((group, channel))

    async def group_discard(self, group: str, channel: str) -> None:
        """Leaves once it may, and says so."""
        self.leaving.put_nowait(group)
        await self.may_leave.wait()
        await super().group_discard(group, channel)
        self.leaves.put_nowait(group)

    async def left(self, group: str) -> None:
        """Until a channel has left the group."""
        async with asyncio.timeout(PATIENCE):
            while await self.leaves.get() != group:
                pass

    async def joined(self, group: str, but: str | None = None) -> None:
        """Until a channel, other than that one, is in the group."""
        async with asyncio.timeout(PATIENCE):
            while True:
                name, channel = await self.joins.get()
                if name == group and channel != but:
                    return

    async def send(self, channel: str, message: Event) -> None:
        """Sends, unless silent."""
        if not self.silent:
            await super().send(channel, message)

    async def group_send(self, group: str, message: Event) -> None:
        """Sends, unless it hangs or holds events of that kind."""
        if self.hangs:
            try:
                await asyncio.Event().wait()
            finally:
                self.gave_up.set()
        if message["type"] in self.holds:
            self._held.put_nowait(message)
        else:
            await super().group_send(group, message)

    async def held(self) -> Event:
        """The next event that was kept back."""
        async with asyncio.timeout(PATIENCE):
            return await self._held.get()

    async def deliver(self, group: str, event: Event) -> None:
        """Sends what was held, as often as the test likes."""
        await super().group_send(group, event)
