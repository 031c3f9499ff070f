"""Claims of overdue updates in the database: what is due, whose a claim is, who is missing."""

import datetime as dt
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from agents.models import Agent
from agents.roles import Clearance, Role
from missions import overdue, revisions, services
from missions.audiences import stream_for
from missions.drafts import Draft
from missions.models import Mission, Update
from missions.protocol import Kind
from missions.tests.conftest import Cast
from tests.cast import ANALYST, DIRECTOR, HANDLER, OPERATIVE, Member

pytestmark = pytest.mark.django_db

SECOND = dt.timedelta(seconds=1)


@pytest.fixture
def order(cast: Cast, mission: Mission) -> Update:
    """An order to acknowledge whose time is over, at the mission's own classification."""
    return overdue_order(cast[HANDLER], mission)


def overdue_order(author: Agent, mission: Mission, **said: object) -> Update:
    """One whose time ended a second ago."""
    draft = Draft(kind=Kind.REPORT, body="Report.", requires_ack=True, ack_within=60, **said)  # type: ignore[arg-type]
    made = services.publish(author, mission.pk, draft)
    Update.objects.filter(pk=made.pk).update(ack_due_at=timezone.now() - SECOND)
    return made


def hearing(cast: Cast, mission: Mission, *members: Member) -> overdue.Hearing:
    """What a worker hears for whom these follow the mission."""
    heard = overdue.Hearing({}, {})
    for member in members:
        viewer = cast[member].viewer
        if member in (HANDLER, DIRECTOR):
            heard.streams.setdefault(stream_for(viewer), set()).add(mission.pk)
        heard.clearances[cast[member].pk, mission.pk] = viewer.clearance
    return heard


def known(mission: Mission, *ids: UUID) -> list[UUID]:
    """The claims of the last minute but these."""
    return [one.update_id for one in overdue.claims([mission.pk], overdue.OVERLAP, ids)]


def test_only_what_is_due_and_unclaimed_is_claimed(
    cast: Cast, mission: Mission, order: Update
) -> None:
    """Once; the second worker changes nothing, and reads it as everybody does."""
    draft = Draft(kind=Kind.ORDER, body="Later.", requires_ack=True, ack_within=60)
    services.publish(cast[HANDLER], mission.pk, draft)
    listening = hearing(cast, mission, HANDLER)
    assert overdue.due(listening) == [order.pk]
    assert overdue.claim([order.pk]) == {order.pk}
    first = Update.objects.get(pk=order.pk).overdue_at
    assert overdue.claim([order.pk]) == set()
    assert Update.objects.get(pk=order.pk).overdue_at == first
    assert overdue.due(listening) == []
    assert known(mission) == [order.pk]
    assert known(mission, order.pk) == []


def test_a_claim_that_was_not_settled_in_time_is_made_anew(
    cast: Cast, mission: Mission, order: Update
) -> None:
    """Its worker died before it told; one that was settled stands for good."""
    listening = hearing(cast, mission, HANDLER)
    overdue.claim([order.pk])
    assert overdue.due(listening) == []
    aged = timezone.now() - overdue.CLAIM_LASTS - SECOND
    Update.objects.filter(pk=order.pk).update(overdue_at=aged)
    assert overdue.due(listening) == [order.pk]
    assert overdue.claim([order.pk]) == {order.pk}
    (made,) = overdue.claims([mission.pk], overdue.OVERLAP, ())
    assert made.at > aged
    assert not made.settled
    assert overdue.settle([order.pk]) == set()
    Update.objects.filter(pk=order.pk).update(overdue_at=aged)
    assert overdue.due(listening) == []
    assert overdue.claim([order.pk]) == set()
    (made,) = overdue.claims([mission.pk], overdue.OVERLAP, ())
    assert made.settled


@pytest.mark.parametrize("revise", ["reclassify", "retract"])
def test_a_claim_made_during_a_revision_stays(
    cast: Cast, mission: Mission, order: Update, revise: str
) -> None:
    """A revision that has read the update before it was claimed does not write the claim away."""

    def claim_first(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if sql.startswith('UPDATE "missions_update"') and "overdue_at" not in claimed:
            claimed.append("overdue_at")
            overdue.claim([order.pk])
        return execute(sql, params, many, context)

    claimed: list[str] = []
    with connection.execute_wrapper(claim_first):
        if revise == "retract":
            revisions.retract(cast[HANDLER], order.pk)
        else:
            revisions.reclassify(cast[HANDLER], order.pk, classification=Clearance.SECRET)
    assert Update.objects.get(pk=order.pk).overdue_at is not None


@pytest.mark.parametrize(
    ("members", "heard"),
    [
        ((), False),
        ((ANALYST,), False),  # no overseer, though the update is for it
        ((HANDLER,), False),  # the update is for analysts alone
        ((DIRECTOR,), True),
        ((OPERATIVE,), True),  # the author
        ((ANALYST, HANDLER, OPERATIVE), True),
    ],
)
def test_only_what_somebody_here_is_told_of_is_due_here(
    cast: Cast, mission: Mission, members: tuple[Member, ...], heard: bool
) -> None:
    """An operative's report to analysts: its author hears of it, and a director."""
    late = overdue_order(cast[OPERATIVE], mission, roles=frozenset({Role.ANALYST}))
    elsewhere = services.create_mission(cast[HANDLER], "Other", "", Clearance.CONFIDENTIAL)
    assert overdue.due(hearing(cast, mission, *members)) == ([late.pk] if heard else [])
    assert overdue.due(hearing(cast, elsewhere, *members)) == []


def test_an_author_who_is_cleared_no_more_hears_of_nothing(cast: Cast, mission: Mission) -> None:
    """Its clearance is what counts now, not what it was."""
    late = overdue_order(cast[ANALYST], mission, classification=Clearance.SECRET)
    listening = hearing(cast, mission, ANALYST)
    assert overdue.due(listening) == [late.pk]
    listening.clearances[cast[ANALYST].pk, mission.pk] = Clearance.CONFIDENTIAL
    assert overdue.due(listening) == []


def test_what_nobody_here_hears_of_is_in_nobodys_way(
    cast: Cast, mission: Mission, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However much of it is due for longer: an author who is here, but not on that mission."""
    monkeypatch.setattr(overdue, "CLAIMED_MOST", 2)
    monkeypatch.setattr(overdue, "READ_MOST", 2)
    elsewhere = services.create_mission(cast[HANDLER], "Other", "", Clearance.CONFIDENTIAL)
    services.add_member(cast[HANDLER], elsewhere.pk, cast[OPERATIVE].pk)
    for _ in range(5):
        overdue_order(cast[OPERATIVE], elsewhere, roles=frozenset({Role.DIRECTOR}))
    late = overdue_order(cast[HANDLER], mission)
    listening = hearing(cast, mission, OPERATIVE, HANDLER)
    viewer = cast[HANDLER].viewer
    listening.streams[stream_for(viewer)].add(elsewhere.pk)
    listening.clearances[cast[HANDLER].pk, elsewhere.pk] = viewer.clearance
    assert overdue.due(listening) == [late.pk]


def test_a_claim_names_who_is_missing(cast: Cast, mission: Mission, order: Update) -> None:
    """The obliged who have not acknowledged; none of them, and there is nothing to tell."""
    assert missing(order) == {ANALYST.codename, OPERATIVE.codename}
    services.acknowledge(cast[ANALYST], order.pk)
    assert missing(order) == {OPERATIVE.codename}
    services.acknowledge(cast[OPERATIVE], order.pk)
    assert missing(order) == set()


def missing(update: Update) -> set[str]:
    """Who is told of as missing."""
    return {who.codename for one in overdue.missing([update.pk]) for who in one.missing}


def test_old_claims_and_retracted_updates_are_told_of_no_more(
    cast: Cast, mission: Mission, order: Update
) -> None:
    """What was claimed before the window, or has no words any more."""
    overdue.claim([order.pk])
    Update.objects.filter(pk=order.pk).update(overdue_at=timezone.now() - overdue.OVERLAP - SECOND)
    assert known(mission) == []
    assert [one.update_id for one in overdue.claims([mission.pk], 2 * overdue.OVERLAP, ())]
    revisions.retract(cast[HANDLER], order.pk)
    assert overdue.claims([mission.pk], 2 * overdue.OVERLAP, ()) == []
    assert missing(order) == set()
    assert overdue.claims([uuid4()], 2 * overdue.OVERLAP, ()) == []


def test_a_look_is_the_same_few_queries_however_much_is_due(cast: Cast, mission: Mission) -> None:
    """And no more than a hundred at once."""
    listening = hearing(cast, mission, HANDLER)

    def look(number: int) -> int:
        for _ in range(number):
            overdue_order(cast[HANDLER], mission)
        with CaptureQueriesContext(
            connection,
        ) as queries:
            found = overdue.due(listening)
            overdue.claim(found)
            overdue.settle(found)
            overdue.claims([mission.pk], overdue.OVERLAP, ())
            assert len(overdue.missing(found)) == len(found) == min(number, overdue.CLAIMED_MOST)
        return len([one for one in queries if "SAVEPOINT" not in one["sql"]])

    assert look(2) == look(overdue.CLAIMED_MOST + 20) <= 10
