"""Who may see what: the one rule, in its pure forms.

An agent sees an update when all hold: the agent is active; is assigned to the mission, or is a
director; its clearance reaches the mission's classification and the update's; the update names no
roles, or names the agent's role, or the agent is a director. The author is no exception.

The rule has three forms: the predicate `can_see`, the streams `streams_of` an update with
`stream_for` a viewer, and the querysets of `missions.selectors` that are built from
`stream_for`. A generated test over every combination holds the three together.

A stream is what one viewer class sees of one mission. There are 16, numbered `0..15` by
`4 * role + (clearance - 1)`, the roles in the order of `agents.roles.Role`.
"""

from collections.abc import Iterable
from typing import NamedTuple

from agents.roles import STAFFING_ROLES, Clearance, Role, Viewer

ROLES = tuple(Role)
CLEARANCES = tuple(Clearance)
VIEWERS = tuple(Viewer(role, clearance) for role in ROLES for clearance in CLEARANCES)
STREAMS = range(len(VIEWERS))


class Looker(NamedTuple):
    """An agent's standing towards one mission."""

    viewer: Viewer
    assigned: bool
    active: bool = True


class Audience(NamedTuple):
    """Who an update is for: its classification, and its roles (none = every role)."""

    classification: Clearance
    roles: frozenset[Role] = frozenset()


def may_enter(looker: Looker, mission_classification: Clearance) -> bool:
    """Whether the agent sees that the mission exists."""
    return (
        looker.active
        and (looker.assigned or looker.viewer.role is Role.DIRECTOR)
        and looker.viewer.clearance >= mission_classification
    )


def in_audience(viewer: Viewer, audience: Audience) -> bool:
    """Whether that viewer class is meant: the half of the rule that a stream stands for."""
    return viewer.clearance >= audience.classification and (
        not audience.roles or viewer.role in audience.roles or viewer.role is Role.DIRECTOR
    )


def can_see(looker: Looker, mission_classification: Clearance, audience: Audience) -> bool:
    """The rule, whole."""
    return may_enter(looker, mission_classification) and in_audience(looker.viewer, audience)


def may_review(looker: Looker, mission_classification: Clearance, audience: Audience) -> bool:
    """Whether an author may see its own update outside its stream: the role filter is waived."""
    return (
        may_enter(looker, mission_classification)
        and looker.viewer.clearance >= audience.classification
    )


def stream_for(viewer: Viewer) -> int:
    """The number of the viewer class's stream."""
    return 4 * ROLES.index(viewer.role) + viewer.clearance - 1


def streams_of(audience: Audience) -> tuple[int, ...]:
    """The streams that an update goes to, ascending. Never empty: a top-secret director has all."""
    return tuple(stream for stream in STREAMS if in_audience(VIEWERS[stream], audience))


def may_staff(viewer: Viewer) -> bool:
    """Whether the role creates, changes and staffs missions it sees."""
    return viewer.role in STAFFING_ROLES


def roles_mask(roles: Iterable[Role]) -> int:
    """Roles as the bits stored with an update; 0 = every role."""
    return sum(1 << ROLES.index(role) for role in set(roles))


def roles_from(mask: int) -> frozenset[Role]:
    """The roles of a stored mask."""
    return frozenset(role for bit, role in enumerate(ROLES) if mask & (1 << bit))
