"""What the tests of missions share: the cast, and callers for it."""

from collections.abc import AsyncIterator, Callable

import pytest

from agents.models import Agent
from agents.roles import Clearance, Role
from missions import services
from missions.drafts import Draft
from missions.models import Mission, Update
from missions.protocol import Kind, Status
from missions.tests.caller import Caller
from missions.tests.room import Room
from tests.cast import ANALYST, HANDLER, NOVICE, OPERATIVE, Member, enlist

Cast = dict[Member, Agent]
Call = Callable[[Member], Caller]


@pytest.fixture
def cast(db: None) -> Cast:
    """The six of `tests.cast`, as agents."""
    return enlist()


@pytest.fixture
def by(cast: Cast) -> Call:
    """`by(HANDLER)` calls the API as the handler."""
    callers: dict[Member, Caller] = {}

    def caller(member: Member) -> Caller:
        if member not in callers:
            callers[member] = Caller(cast[member])
        return callers[member]

    return caller


@pytest.fixture
def mission(cast: Cast) -> Mission:
    """An active, confidential mission of the handler's; the novice on it is cleared too low."""
    made = services.create_mission(
        cast[HANDLER], "Cold Lantern", "Find them.", Clearance.CONFIDENTIAL
    )
    for member in (ANALYST, OPERATIVE, NOVICE):
        services.add_member(cast[HANDLER], made.pk, cast[member].pk)
    return services.change_mission(cast[HANDLER], made.pk, status=Status.ACTIVE)


@pytest.fixture
def path(mission: Mission) -> str:
    """The log's path."""
    return f"/api/missions/{mission.pk}/updates"


@pytest.fixture
def secret(cast: Cast, mission: Mission) -> Update:
    """An order at secret to analysts, to be acknowledged: seen by handler, analyst, director."""
    return services.publish(
        cast[HANDLER],
        mission.pk,
        Draft(
            kind=Kind.ORDER,
            body="Say nothing.",
            classification=Clearance.SECRET,
            roles=frozenset({Role.ANALYST, Role.HANDLER}),
            requires_ack=True,
            ack_within=60,
        ),
    )


@pytest.fixture
def order(cast: Cast, mission: Mission) -> Update:
    """An order to acknowledge within a minute, at the mission's own classification."""
    draft = Draft(kind=Kind.ORDER, body="Report.", requires_ack=True, ack_within=60)
    return services.publish(cast[HANDLER], mission.pk, draft)


@pytest.fixture
async def room(cast: Cast, mission: Mission) -> AsyncIterator[Room]:
    """The cast in front of the mission socket; for tests that commit."""
    room = Room(cast)
    yield room
    await room.aclose()
