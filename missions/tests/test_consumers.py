"""The mission socket, driven through the real middleware: what goes to whom, and what is cut."""

import uuid
from typing import Any

import pytest

from agents.roles import Clearance, Role
from missions import services
from missions.models import Mission
from missions.protocol import Status
from missions.tests.room import Room, bodies, is_body
from tests.cast import ANALYST, HANDLER, NOVICE, OPERATIVE, OUTSIDER, Member

pytestmark = pytest.mark.django_db(transaction=True)


# Opening.


async def test_a_socket_is_welcomed_and_subscribed_to_what_it_may_see(
    room: Room, mission: Mission
) -> None:
    """`welcome` comes first and lists the missions; a `subscribed` follows for each."""
    wire = await room.open(ANALYST)
    welcome = await wire.expect("welcome")
    assert welcome["agent"]["codename"] == ANALYST.codename
    assert [one["id"] for one in welcome["missions"]] == [str(mission.pk)]
    await wire.expect("subscribed", mission=str(mission.pk), seq=0, recovered=False, updates=[])


@pytest.mark.parametrize("who", [OUTSIDER, NOVICE])
async def test_who_may_not_enter_is_told_of_nothing(room: Room, who: Member) -> None:
    """Neither the unassigned nor a member who is cleared too low learns that a mission exists."""
    wire = await room.open(who)
    assert (await wire.expect("welcome"))["missions"] == []
    assert await wire.fence() == []


async def test_closed_missions_are_listed_and_not_subscribed(room: Room, mission: Mission) -> None:
    """Only planned and active missions are subscribed unasked."""
    await room.do(services.change_mission, room.cast[HANDLER], mission.pk, status=Status.COMPLETED)
    wire = await room.open(ANALYST)
    assert len((await wire.expect("welcome"))["missions"]) == 1
    assert await wire.fence() == []


async def test_the_url_chooses_what_is_subscribed(room: Room, mission: Mission) -> None:
    """`missions=none` subscribes to nothing; an id that cannot be seen is `not_found`."""
    nothing = await room.open(ANALYST, query="missions=none")
    await nothing.expect("welcome")
    assert await nothing.fence() == []
    chosen = await room.open(ANALYST, query=f"missions={mission.pk},{uuid.uuid4()}")
    await chosen.expect("welcome")
    await chosen.expect("subscribed", mission=str(mission.pk))
    await chosen.expect("error", code="not_found", field="missions")


# Going live.


async def test_updates_reach_exactly_those_who_may_see_them(room: Room, mission: Mission) -> None:
    """What is above a clearance or for other roles leaves neither frame nor number."""
    analyst, operative = await room.enter(ANALYST), await room.enter(OPERATIVE)
    outsider = await room.enter(OUTSIDER)
    await room.publish(HANDLER, mission, "secret", classification=Clearance.SECRET)
    await room.publish(HANDLER, mission, "analysts", roles=frozenset({Role.ANALYST}))
    await room.publish(HANDLER, mission, "all")
    seen = await analyst.until(is_body("all"))
    assert bodies(seen) == ["secret", "analysts", "all"]
    assert [frame["seq"] for frame in seen] == [1, 2, 3]
    only = await operative.frame()
    assert (only["update"]["body"], only["seq"]) == ("all", 1)
    assert await outsider.fence() == []


async def test_publishing_over_the_socket(room: Room, mission: Mission) -> None:
    """`published` repeats id and client_id; a repeat is the same update and is fanned out once."""
    wire = await room.enter(ANALYST)
    said: dict[str, Any] = {
        "mission": str(mission.pk),
        "kind": "report",
        "body": "once",
        "client_id": "c1",
    }
    first = await wire.ask("publish", **said)
    again = await wire.ask("publish", **said)
    assert first["type"] == again["type"] == "published"
    assert first["client_id"] == "c1"
    assert first["update"] == again["update"]
    other = await wire.ask("publish", **(said | {"body": "other"}))
    assert (other["type"], other["code"]) == ("error", "conflict")
    await room.publish(HANDLER, mission, "fence")
    watcher = await room.enter(HANDLER, query="missions=none")
    page = await watcher.ask("subscribe", mission=str(mission.pk))
    assert [one["update"]["body"] for one in page["updates"]] == ["once", "fence"]


@pytest.mark.parametrize(
    ("fields", "code", "field"),
    [
        ({"kind": "order"}, "forbidden", None),
        ({"classification": "top-secret"}, "forbidden", None),
        ({"classification": "restricted"}, "forbidden", None),
        ({"classification": "cosmic"}, "invalid", "classification"),
        ({"roles": ["spy"]}, "invalid", "roles"),
        ({"body": ""}, "invalid", "body"),
        ({"body": "a\x00b"}, "invalid", "body"),
        ({"kind": "position"}, "invalid", "data"),
        ({"kind": "position", "data": {"lat": 10**400, "lon": 1}}, "invalid", "data"),
        ({"data": {"x": "y" * 9000}}, "invalid", "data"),
        ({"ack_within": 60}, "invalid", "ack_within"),
        ({"mission": "none of ours"}, "not_found", None),
        ({"colour": "red"}, "invalid", "colour"),
        ({"id": [1]}, "invalid", "id"),
    ],
)
async def test_a_refused_publish_says_why_and_leaves_the_socket_open(
    room: Room, mission: Mission, fields: dict[str, Any], code: str, field: str | None
) -> None:
    """Every refusal is an `error` frame with the code of the contract."""
    wire = await room.enter(ANALYST)
    said = {"mission": str(mission.pk), "kind": "report", "body": "b", "id": 7} | fields
    wire.send("publish", **said)
    error = await wire.frame()
    assert (error["type"], error["code"], error.get("field")) == ("error", code, field)
    assert error.get("id") == (7 if "id" not in fields else None)
    assert await wire.fence() == []


async def test_what_is_hidden_answers_as_what_does_not_exist(room: Room, mission: Mission) -> None:
    """Subscribe, publish and acknowledge on a hidden thing are `not_found`, word for word."""
    update = await room.publish(HANDLER, mission, "hidden", requires_ack=True)
    wire = await room.enter(OUTSIDER)
    nobody = str(uuid.uuid4())
    for mission_id, update_id in ((str(mission.pk), str(update.pk)), (nobody, nobody)):
        for kind, fields in (
            ("subscribe", {"mission": mission_id}),
            ("publish", {"mission": mission_id, "kind": "report", "body": "b"}),
            ("acknowledge", {"update": update_id}),
        ):
            answer = await wire.ask(kind, **fields)
            assert answer == {
                "type": "error",
                "id": "asked",
                "code": "not_found",
                "message": "Not found.",
            }


async def test_acknowledging(room: Room, mission: Mission) -> None:
    """It is answered each time alike, and shows in the next page; not where none is asked."""
    asked = await room.publish(HANDLER, mission, "ack me", requires_ack=True)
    plain = await room.publish(HANDLER, mission, "plain")
    wire = await room.enter(ANALYST)
    for _ in range(2):
        assert (await wire.ask("acknowledge", update=str(asked.pk)))["type"] == "acknowledged"
    assert (await wire.ask("acknowledge", update=str(plain.pk)))["code"] == "invalid"
    page = await wire.ask("subscribe", mission=str(mission.pk))
    assert page["acknowledged"] == [str(asked.pk)]


# Resuming.


async def test_resume_gives_exactly_what_follows(room: Room, mission: Mission) -> None:
    """From any update and from the start; a foreign epoch or a hidden update gives a snapshot."""
    updates = [await room.publish(HANDLER, mission, f"u{n}") for n in range(4)]
    hidden = await room.publish(HANDLER, mission, "hidden", classification=Clearance.SECRET)
    wire = await room.enter(OPERATIVE, query="missions=none")
    key = str(mission.pk)
    snapshot = await wire.ask("subscribe", mission=key)
    assert snapshot["recovered"] is False
    epoch = snapshot["epoch"]
    everything = [str(update.pk) for update in updates]
    for index, after in enumerate([None, *everything]):
        page = await wire.ask("subscribe", mission=key, after=after, epoch=epoch)
        assert page["recovered"] is True
        assert page["seq"] == 4
        assert [one["update"]["id"] for one in page["updates"]] == everything[index:]
    for after, foreign in (
        (everything[0], "f" * 32),
        (str(hidden.pk), epoch),
        (str(uuid.uuid4()), epoch),
        ("nonsense", epoch),
        (everything[0].upper(), epoch),
    ):
        page = await wire.ask("subscribe", mission=key, after=after, epoch=foreign)
        assert page["recovered"] is False
        assert [one["update"]["id"] for one in page["updates"]] == everything


async def test_unsubscribe_is_answered_whatever_the_mission(room: Room, mission: Mission) -> None:
    """And what was unsubscribed sends nothing more, while another socket gets it."""
    wire, other = await room.enter(ANALYST), await room.enter(ANALYST)
    for mission_id in (str(mission.pk), str(uuid.uuid4()), "nonsense"):
        answer = await wire.ask("unsubscribe", mission=mission_id)
        assert (answer["type"], answer["reason"]) == ("unsubscribed", "requested")
    await room.publish(HANDLER, mission, "fence")
    await other.until(is_body("fence"))
    assert await wire.fence() == []
