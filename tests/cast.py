"""The fixed cast of every test: who they are, and how they come into a database.

Six agents: a director, a handler, an analyst, two operatives, and an outsider who is cleared for
everything, assigned to nothing, and must see nothing. They are made the way an operator makes them.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from agents.roles import Clearance, Role

if TYPE_CHECKING:
    from agents.models import Agent

PASSWORD = "correct-horse-battery-staple"


@dataclass(frozen=True)
class Member:
    """One of the cast, as a test names it."""

    username: str
    codename: str
    role: Role
    clearance: Clearance


DIRECTOR = Member("dora", "Meridian", Role.DIRECTOR, Clearance.TOP_SECRET)
HANDLER = Member("hanna", "Lantern", Role.HANDLER, Clearance.SECRET)
ANALYST = Member("anton", "Prism", Role.ANALYST, Clearance.SECRET)
OPERATIVE = Member("olga", "Kestrel", Role.FIELD_OPERATIVE, Clearance.CONFIDENTIAL)
NOVICE = Member("nils", "Wren", Role.FIELD_OPERATIVE, Clearance.RESTRICTED)
OUTSIDER = Member("oskar", "Drifter", Role.ANALYST, Clearance.TOP_SECRET)

CAST = (DIRECTOR, HANDLER, ANALYST, OPERATIVE, NOVICE, OUTSIDER)


def enlist() -> dict[Member, "Agent"]:
    """Makes the whole cast in the database that Django is connected to."""
    from agents.accounts import create_agent

    return {
        member: create_agent(
            username=member.username,
            codename=member.codename,
            role=member.role,
            clearance=member.clearance,
            password=PASSWORD,
        )
        for member in CAST
    }
