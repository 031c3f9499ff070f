"""What healing reads: positions, and the changes behind one, as they were announced."""

import uuid
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from pytest_django.fixtures import Settings

from agents.models import Agent
from agents.roles import Clearance, Role
from missions import changes, publishing, revisions, services
from missions.drafts import Draft
from missions.feeds import Event
from missions.models import Mission
from missions.protocol import Kind
from tests import layers
from tests.cast import HANDLER, Member
from tests.layers import OtherProcesses

pytestmark = pytest.mark.django_db(transaction=True)


def publish(author: Agent, mission: Mission, body: str, **fields: Any) -> Any:
    """Publishes a report."""
    return services.publish(author, mission.pk, Draft(kind=Kind.REPORT, body=body, **fields))


def test_healing_reads_what_was_announced(
    cast: dict[Member, Agent], mission: Mission, settings: Settings
) -> None:
    """Event for event the same, in order, from any position on."""
    workers = layers.use(settings, OtherProcesses)
    for level in (Clearance.CONFIDENTIAL, Clearance.SECRET, Clearance.CONFIDENTIAL):
        publish(cast[HANDLER], mission, "b", classification=level)
    last = publish(cast[HANDLER], mission, "b", roles=frozenset({Role.ANALYST, Role.HANDLER}))
    announced = workers.events(publishing.UPDATE_EVENT)
    live_events = [Event.from_layer(event) for event in announced]
    assert len(live_events) == 4
    for position in range(5):
        assert changes.following(mission.pk, position) == live_events[position:]
    revisions.reclassify(cast[HANDLER], last.pk, classification=Clearance.SECRET)
    revisions.retract(cast[HANDLER], last.pk)
    resets = [Event.from_layer(event) for event in workers.events(publishing.UPDATE_EVENT)][-2:]
    assert changes.following(mission.pk, 4) == resets
    assert [one.revised and one.revised["state"] for one in resets] == ["reclassified", "retracted"]


def test_a_read_is_a_chunk_at_most(
    cast: dict[Member, Agent], mission: Mission, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And costs the same number of queries whatever it brings."""
    monkeypatch.setattr(changes, "CHUNK", 2)
    for _ in range(3):
        publish(cast[HANDLER], mission, "b")
    with CaptureQueriesContext(
        connection,
    ) as queries:
        assert [event.position for event in changes.following(mission.pk, 0)] == [1, 2]
    assert len(queries) == 2
    assert [event.position for event in changes.following(mission.pk, 2)] == [3]


def test_numbers_of_an_ended_epoch_are_left_out(
    cast: dict[Member, Agent], mission: Mission
) -> None:
    """What was retracted reaches no stream that it was retracted from; the reset does."""
    kept = publish(cast[HANDLER], mission, "kept")
    gone = publish(cast[HANDLER], mission, "gone")
    revisions.retract(cast[HANDLER], gone.pk)
    events = changes.following(mission.pk, 0)
    assert [event.position for event in events] == [1, 2, 3]
    assert events[0].numbers == events[1].numbers == {}
    assert events[2].body == b""
    assert events[2].epochs
    assert kept.pk != gone.pk


def test_positions_are_read_for_all_missions_at_once(
    cast: dict[Member, Agent], mission: Mission
) -> None:
    """One query; an unknown mission is left out."""
    publish(cast[HANDLER], mission, "b")
    with CaptureQueriesContext(connection) as queries:
        assert changes.positions([mission.pk, uuid.uuid4()]) == [(mission.pk, 1)]
    assert len(queries) == 1
