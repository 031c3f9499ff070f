"""The one door out: what an event says, and that nothing is said before the commit."""

from typing import Any

import msgspec
import pytest
from django.db import transaction
from pytest_django.fixtures import Settings

from agents.models import Agent
from agents.roles import Clearance, Role
from missions import audiences, publishing, services
from missions.audiences import Audience
from missions.drafts import Draft
from missions.models import Mission
from missions.protocol import Kind
from tests import layers
from tests.cast import ANALYST, HANDLER, Member
from tests.layers import OtherProcesses

pytestmark = pytest.mark.django_db(transaction=True)

Said = list[tuple[str, dict[str, Any]]]
SECRET = Draft(
    kind=Kind.REPORT,
    body="said",
    classification=Clearance.SECRET,
    roles=frozenset({Role.ANALYST}),
    requires_ack=True,
)


@pytest.fixture
def said(mission: Mission, settings: Settings) -> Said:
    """What the services have sent to the workers from here on."""
    return layers.use(settings, OtherProcesses).sent


def test_an_update_is_one_event_for_all_its_streams(
    cast: dict[Member, Agent], mission: Mission, said: Said
) -> None:
    """Position, number and epoch per stream that may see it, and the body once."""
    update = services.publish(cast[HANDLER], mission.pk, SECRET)
    ((group, event),) = said
    mission.refresh_from_db()
    streams = audiences.streams_of(Audience(Clearance.SECRET, frozenset({Role.ANALYST})))
    assert group == publishing.group_of(mission.pk) == f"mission.{mission.pk}"
    assert event["position"] == mission.position == 1
    assert event["numbers"] == {str(stream): 1 for stream in streams}
    assert event["epochs"] == {str(stream): mission.epochs[stream] for stream in streams}
    assert msgspec.json.decode(event["body"])["id"] == str(update.pk)


def test_nothing_is_said_of_what_is_rolled_back(
    cast: dict[Member, Agent], mission: Mission, said: Said
) -> None:
    """Neither before the commit nor after a failure."""

    def fails() -> None:
        with transaction.atomic():
            services.publish(cast[HANDLER], mission.pk, SECRET)
            assert said == []
            raise InterruptedError

    with pytest.raises(InterruptedError):
        fails()
    assert said == []


def test_a_repeat_is_not_said_twice(
    cast: dict[Member, Agent], mission: Mission, said: Said
) -> None:
    """Neither a repeated publish nor a repeated acknowledgement is an event."""
    draft = Draft(kind=Kind.REPORT, body="once", client_id="c", requires_ack=True)
    for _ in range(2):
        update = services.publish(cast[HANDLER], mission.pk, draft)
    for _ in range(2):
        services.acknowledge(cast[ANALYST], update.pk)
    assert [event["type"] for _, event in said] == ["mission.update", "mission.receipt"]


def test_a_receipt_says_nothing_of_the_update_but_its_author(
    cast: dict[Member, Agent], mission: Mission, said: Said
) -> None:
    """Beside who acknowledged and when: who may be told is read when it arrives."""
    update = services.publish(cast[HANDLER], mission.pk, SECRET)
    services.acknowledge(cast[ANALYST], update.pk)
    _, event = said[-1]
    assert event["agent"] == [ANALYST.codename, ANALYST.role.value]
    assert event["author"] == str(cast[HANDLER].pk)
    assert {"classification", "roles", "body"}.isdisjoint(event)
