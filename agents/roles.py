"""Roles, clearances and the viewer: the words that the rule of who sees what is made of.

Pure: no ORM, no Channels. Used by every layer above.
"""

import enum
from typing import NamedTuple


class Role(enum.StrEnum):
    """What an agent does. The values are the names on the wire."""

    DIRECTOR = "director"
    HANDLER = "handler"
    ANALYST = "analyst"
    FIELD_OPERATIVE = "field-operative"

    @property
    def rank(self) -> int:
        """Who may manage whom: director 3, handler 2, analyst and field-operative 1."""
        return {Role.DIRECTOR: 3, Role.HANDLER: 2}.get(self, 1)


class Clearance(enum.IntEnum):
    """How much an agent may see, and how secret a thing is: ordered, stored as the number."""

    RESTRICTED = 1
    CONFIDENTIAL = 2
    SECRET = 3
    TOP_SECRET = 4

    @property
    def wire(self) -> str:
        """The name on the wire: `restricted`, `confidential`, `secret`, `top-secret`."""
        return self.name.lower().replace("_", "-")

    @classmethod
    def from_wire(cls, name: str) -> "Clearance":
        """The clearance with that wire name; `ValueError` for any other text."""
        try:
            return _BY_WIRE_NAME[name]
        except KeyError:
            raise ValueError(f"{name!r} is not a clearance") from None


_BY_WIRE_NAME = {clearance.wire: clearance for clearance in Clearance}

STAFFING_ROLES = frozenset({Role.DIRECTOR, Role.HANDLER})
"""Who creates, changes and staffs missions, gives orders, and sees presence and receipts."""


class Viewer(NamedTuple):
    """Who is looking: one of the 4 x 4 = 16 viewer classes."""

    role: Role
    clearance: Clearance
