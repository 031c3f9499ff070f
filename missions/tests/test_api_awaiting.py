"""What waits for an acknowledgement, over REST: by the one rule, and nothing of what is hidden."""

import datetime as dt
import itertools
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from agents.models import Agent
from agents.roles import Clearance, Role
from missions import revisions, selectors, services
from missions.drafts import Draft
from missions.models import Mission, Update
from missions.protocol import Kind
from missions.tests.caller import Caller, fill
from missions.tests.conftest import Call, Cast
from tests.cast import ANALYST, CAST, DIRECTOR, HANDLER, NOVICE, OPERATIVE, OUTSIDER, Member

ORDER = {"kind": "order", "body": "Hold.", "requires_ack": True, "ack_within": 60}


def waiting(caller: Caller, path: str, whom: str, **query: Any) -> list[str]:
    """The ids that wait, in the order of the page."""
    page = caller.get(path, awaiting=whom, **query)
    assert page.status == 200
    return [one["update"]["id"] for one in page.json["updates"]]


def order(caller: Caller, path: str, **change: object) -> str:
    """A new order; its id."""
    return str(caller.post(path, {**ORDER, **change}).json["id"])


def let_time_pass(*ids: str) -> None:
    """What is due in a minute was due a minute ago."""
    passed = timezone.now() - dt.timedelta(minutes=1)
    assert Update.objects.filter(pk__in=ids).update(ack_due_at=passed) == len(ids)


def test_what_asks_the_caller_is_found_behind_newer_updates(by: Call, path: str) -> None:
    """However old; acknowledged it is gone; the author and who is no member are not asked."""
    first, second = order(by(HANDLER), path), order(by(HANDLER), path, ack_within=None)
    fill(by(HANDLER), path, 60)
    for member in (ANALYST, OPERATIVE):
        assert waiting(by(member), path, "me") == [first, second]
    assert waiting(by(ANALYST), path, "me", limit="1") == [second]
    for member in (HANDLER, DIRECTOR):
        assert waiting(by(member), path, "me") == []
    page = by(ANALYST).get(path, awaiting="me").json
    assert [one["seq"] for one in page["updates"]] == [1, 2]
    assert (page["seq"], page["recovered"], page["acknowledged"]) == (62, False, [])
    assert by(ANALYST).post(f"/api/updates/{first}/acknowledge").status == 204
    assert waiting(by(ANALYST), path, "me") == [second]
    assert waiting(by(OPERATIVE), path, "me") == [first, second]


def test_what_is_hidden_waits_for_nobody(
    by: Call, cast: Cast, mission: Mission, path: str, secret: Update
) -> None:
    """Neither the order itself nor a number that tells of it; to the outsider there is no log."""
    open_to_all = order(by(HANDLER), path)
    let_time_pass(str(secret.pk), open_to_all)
    assert waiting(by(OPERATIVE), path, "me") == [open_to_all]
    assert waiting(by(ANALYST), path, "me") == [str(secret.pk), open_to_all]
    assert b"Say nothing." not in by(OPERATIVE).get(path, awaiting="me").body
    for member, whom in itertools.product((OUTSIDER, NOVICE), ("me", "others")):
        assert by(member).get(path, awaiting=whom).said == (404, "not_found")
    revisions.retract(cast[HANDLER], secret.pk)
    assert waiting(by(ANALYST), path, "me") == [open_to_all]
    assert waiting(by(HANDLER), path, "others") == [open_to_all]
    services.remove_member(cast[HANDLER], mission.pk, cast[ANALYST].pk)
    assert by(ANALYST).get(path, awaiting="me").said == (404, "not_found")


def test_what_waits_for_others_is_overdue_and_lacks_a_receipt(
    by: Call, path: str, secret: Update
) -> None:
    """To handlers and directors until the last of the obliged has acknowledged; none too early."""
    late, running = order(by(HANDLER), path), order(by(HANDLER), path)
    order(by(HANDLER), path, ack_within=None)
    let_time_pass(late, str(secret.pk))
    for member in (HANDLER, DIRECTOR):
        assert waiting(by(member), path, "others") == [str(secret.pk), late]
    by(ANALYST).post(f"/api/updates/{secret.pk}/acknowledge")
    by(ANALYST).post(f"/api/updates/{late}/acknowledge")
    assert waiting(by(HANDLER), path, "others") == [late]
    by(OPERATIVE).post(f"/api/updates/{late}/acknowledge")
    assert waiting(by(HANDLER), path, "others") == []
    assert running in waiting(by(OPERATIVE), path, "me")


def test_an_author_oversees_its_own_alone(by: Call, path: str) -> None:
    """Also where its own stream lacks it; what others asked for is the handlers' business."""
    alert = {**ORDER, "kind": "alert", "roles": ["handler"]}
    own = str(by(OPERATIVE).post(path, alert).json["id"])
    let_time_pass(own, order(by(HANDLER), path))
    page = by(OPERATIVE).get(path, awaiting="others").json
    assert [(one["seq"], one["update"]["id"]) for one in page["updates"]] == [(None, own)]
    assert waiting(by(ANALYST), path, "others") == []


@pytest.mark.parametrize("whom", ["me", "others"])
def test_the_number_of_queries_does_not_grow(by: Call, path: str, whom: str) -> None:
    """Neither with what waits nor with who is missing."""

    reader = by(HANDLER if whom == "others" else ANALYST)

    def queries() -> int:
        with CaptureQueriesContext(
            connection,
        ) as caught:
            waiting(reader, path, whom)
        return len(caught)

    let_time_pass(order(by(HANDLER), path))
    few = queries()
    let_time_pass(*(order(by(HANDLER), path) for _ in range(20)))
    assert queries() == few


@pytest.mark.parametrize("whom", ["you", "", "ME"])
def test_nobody_else_can_be_asked_about(by: Call, path: str, whom: str) -> None:
    """400 naming the parameter."""
    answer = by(OPERATIVE).get(path, awaiting=whom)
    assert (*answer.said, answer.json["field"]) == (400, "invalid", "awaiting")


def test_cursors_are_not_read(by: Call, path: str) -> None:
    """As the schema says: no `before` resets it, no `author` narrows it."""
    asked = order(by(HANDLER), path)
    cursor = {"before": "nonsense", "after": "nonsense", "epoch": "x", "author": "me"}
    assert waiting(by(ANALYST), path, "me", **cursor) == [asked]


def test_the_querysets_are_the_rule(cast: Cast, mission: Mission) -> None:
    """For every audience: who is missing by `obliged_to` is who makes it wait, for each reader."""
    services.add_member(cast[HANDLER], mission.pk, cast[DIRECTOR].pk)
    Agent.objects.filter(pk=cast[NOVICE].pk).update(role=Role.HANDLER.value)
    asked = [
        services.publish(
            cast[DIRECTOR],
            mission.pk,
            Draft(
                kind=Kind.ORDER,
                body="x",
                classification=level,
                roles=roles,
                requires_ack=True,
                ack_within=60,
            ),
        )
        for level in Clearance
        if level >= Clearance.CONFIDENTIAL
        for roles in (frozenset[Role](), *(frozenset({role}) for role in Role))
    ]
    let_time_pass(*(str(update.pk) for update in asked))
    found = set(selectors.awaiting_others(cast[DIRECTOR], mission.pk))
    missing = {update: codenames(update) for update in asked}
    assert found == {update for update, members in missing.items() if members}
    assert found
    assert found != set(asked)
    for member in CAST:
        agent = Agent.objects.get(pk=cast[member].pk)
        mine = set(selectors.awaiting_me(agent, mission.pk))
        assert mine == {update for update in asked if member.codename in missing[update]}
    for update in asked:
        for member in waits_for(missing[update]):
            services.acknowledge(cast[member], update.pk)
    assert not selectors.awaiting_others(cast[DIRECTOR], mission.pk).exists()


def codenames(update: Update) -> set[str]:
    """Who must acknowledge it and has not."""
    return {who.codename for who, at in selectors.obliged_to(update) if at is None}


def waits_for(missing: set[str]) -> list[Member]:
    """The members of the cast with these codenames."""
    return [member for member in CAST if member.codename in missing]
