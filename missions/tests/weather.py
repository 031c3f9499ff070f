"""A channel layer with weather: events arrive, get lost, come twice, or wait until they are let go.

Channels' own layer in memory, which promises nothing: what it may do to HQ is done here on purpose.
Heartbeats are left alone. A test sets it by `CHANNEL_LAYERS` and changes `fates`.
"""

import enum
from typing import Any, ClassVar

from channels.layers import InMemoryChannelLayer

from missions import publishing

LAYERS = {
    "default": {
        "BACKEND": "missions.tests.weather.UncertainLayer",
        "CONFIG": {"capacity": 10_000},
    }
}
"""The setting that puts it in the place of the layer."""

KINDS = ("hq.notice", publishing.UPDATE_EVENT, publishing.RECEIPT_EVENT, publishing.PRESENCE_EVENT)


class Fate(enum.Enum):
    """What becomes of an event that is sent to a group."""

    ARRIVES = "arrives"
    LOST = "lost"
    DOUBLED = "doubled"
    HELD = "held"


class UncertainLayer(InMemoryChannelLayer):  # type: ignore[misc]  # Channels ships no types
    """The layer in memory, with a fate for each kind of event."""

    fates: ClassVar[dict[str, Fate]] = {}
    held: ClassVar[list[tuple[str, dict[str, Any]]]] = []

    async def group_send(self, group: str, message: dict[str, Any]) -> None:
        """Sends once, twice, later, or never."""
        fate = self.fates.get(message["type"], Fate.ARRIVES)
        if fate is Fate.HELD:
            self.held.append((group, message))
        elif fate is not Fate.LOST:
            await super().group_send(group, message)
            if fate is Fate.DOUBLED:
                await super().group_send(group, message)

    async def let_go(self) -> None:
        """Sends what is held, the newest first."""
        while self.held:
            await super().group_send(*self.held.pop())

    @classmethod
    def clear_up(cls) -> None:
        """Everything arrives again; what is held is lost."""
        cls.fates.clear()
        cls.held.clear()
