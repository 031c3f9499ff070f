"""What changes of missions leave in the security log: who may see what since when, and no words."""

from typing import Any

import pytest
from django.db import transaction

from agents import audit
from agents.models import AuditEvent
from agents.roles import Clearance, Role
from missions import revisions, services
from missions.drafts import Draft
from missions.models import Mission
from missions.protocol import Kind, Status
from missions.tests.conftest import Cast
from tests.cast import ANALYST, HANDLER, NOVICE

pytestmark = pytest.mark.django_db

WORDS = ("Cold Lantern", "Find them.", "The courier", "Warm Lantern", "Lose them.")


def rows(after: int = 0) -> list[tuple[str, dict[str, Any]]]:
    """Events and details since that row; none of them holds a word of a mission."""
    found = list(AuditEvent.objects.filter(number__gt=after).order_by("number"))
    assert not any(word in str(row.details) for row in found for word in WORDS)
    return [(row.event, row.details) for row in found]


def last() -> AuditEvent:
    """The newest row."""
    return AuditEvent.objects.order_by("-number")[0]


def test_a_mission_s_beginning_is_written(cast: Cast, mission: Mission) -> None:
    """With its classification, its members, and its status as it changed."""
    of = {"mission": str(mission.pk)}
    assert [row for row in rows() if row[0].startswith("mission")] == [
        ("mission_created", {**of, "classification": "confidential"}),
        ("mission_member_added", of),
        ("mission_member_added", of),
        ("mission_member_added", of),
        ("mission_changed", {**of, "changes": {"status": ["planned", "active"]}, "words": []}),
    ]
    added = AuditEvent.objects.filter(event="mission_member_added").order_by("number").last()
    assert added is not None
    assert (added.actor, added.subject) == (cast[HANDLER].pk, cast[NOVICE].pk)


def test_a_change_is_written_with_old_and_new(cast: Cast, mission: Mission) -> None:
    """Of words only that they changed; of nothing, nothing."""
    services.change_mission(
        cast[HANDLER],
        mission.pk,
        codename="Warm Lantern",
        objective="Lose them.",
        classification=Clearance.SECRET,
    )
    assert rows(last().number - 1) == [
        (
            "mission_changed",
            {
                "mission": str(mission.pk),
                "changes": {"classification": ["confidential", "secret"]},
                "words": ["codename", "objective"],
            },
        )
    ]
    before = last().number
    services.change_mission(cast[HANDLER], mission.pk, status=Status.ACTIVE)
    assert rows(before) == []


def test_a_removed_member_is_written(cast: Cast, mission: Mission) -> None:
    """By whom, and whom; an assignment that was there already is none."""
    services.remove_member(cast[HANDLER], mission.pk, cast[ANALYST].pk)
    row = last()
    assert (row.event, row.actor, row.subject) == (
        "mission_member_removed",
        cast[HANDLER].pk,
        cast[ANALYST].pk,
    )
    services.add_member(cast[HANDLER], mission.pk, cast[NOVICE].pk)
    assert last() == row


def test_what_changes_the_past_is_written_and_publishing_is_not(
    cast: Cast, mission: Mission
) -> None:
    """Audience before and after; not a word of the update."""
    before = last().number
    draft = Draft(kind=Kind.REPORT, body="The courier arrives at dawn.")
    update = services.publish(cast[HANDLER], mission.pk, draft)
    assert rows(before) == []
    handlers = frozenset({Role.HANDLER})
    revisions.reclassify(cast[HANDLER], update.pk, classification=Clearance.SECRET, roles=handlers)
    revisions.reclassify(cast[HANDLER], update.pk, roles=handlers)
    revisions.retract(cast[HANDLER], update.pk)
    of = {"mission": str(mission.pk), "update": str(update.pk)}
    audience = {"classification": ["confidential", "secret"], "roles": [[], ["handler"]]}
    assert rows(before) == [
        ("update_reclassified", {**of, **audience}),
        ("update_retracted", of),
    ]


def test_a_change_and_its_row_stand_or_fall_together(cast: Cast, mission: Mission) -> None:
    """What is rolled back was never written, and the chain is whole."""
    before = last().number
    with transaction.atomic():
        services.change_mission(cast[HANDLER], mission.pk, classification=Clearance.SECRET)
        transaction.set_rollback(True)
    assert rows(before) == []
    assert audit.first_bad() is None
