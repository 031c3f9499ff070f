"""Rows of missions: what the database itself holds, whoever writes to it."""

from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.db.models import ProtectedError

from agents.models import Agent
from agents.roles import Clearance
from missions import audiences, services
from missions.drafts import Draft
from missions.models import Assignment, Change, Mission, Receipt, Update
from missions.protocol import Kind
from tests.cast import DIRECTOR, Member

Cast = dict[Member, Agent]


@pytest.fixture
def mission(cast: Cast) -> Mission:
    """A mission with one update."""
    made = services.create_mission(cast[DIRECTOR], "Harbour", "", Clearance.RESTRICTED)
    services.publish(cast[DIRECTOR], made.pk, Draft(kind=Kind.ORDER, body="x", requires_ack=True))
    return made


def test_a_mission_has_sixteen_streams_of_its_own(cast: Cast) -> None:
    """Each with an epoch that no other stream has."""
    missions = [
        services.create_mission(cast[DIRECTOR], "Same name", "", Clearance.RESTRICTED)
        for _ in range(2)
    ]
    epochs = [epoch for mission in missions for epoch in mission.epochs]
    assert len(set(epochs)) == 2 * len(audiences.STREAMS)
    assert missions[0].numbers == [0] * len(audiences.STREAMS)


def again(row: Any) -> Any:
    """The same row under another key."""
    row.pk = None
    row._state.adding = True
    if isinstance(row, Update):
        row.pk = Update._meta.pk.get_default()
    return row


@pytest.mark.parametrize("kind", [Assignment, Update, Change, Receipt])
def test_what_is_once_is_once(cast: Cast, mission: Mission, kind: Any) -> None:
    """An assignment, a position, a change, a receipt."""
    services.acknowledge(cast[DIRECTOR], Update.objects.get().pk)
    row = again(kind.objects.get())
    with pytest.raises(IntegrityError), transaction.atomic():
        row.save(force_insert=True)


@pytest.mark.parametrize("change", [{"classification": 0}, {"status": "paused"}])
def test_the_database_knows_the_words_of_missions(
    mission: Mission, change: dict[str, object]
) -> None:
    """Also past every form."""
    with pytest.raises(IntegrityError), transaction.atomic():
        Mission.objects.filter(pk=mission.pk).update(**change)


def test_who_has_written_is_not_deleted(cast: Cast, mission: Mission) -> None:
    """Agents with history are disabled."""
    with pytest.raises(ProtectedError):
        cast[DIRECTOR].delete()
