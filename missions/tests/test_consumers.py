"""The mission socket, driven through the real middleware: what goes to whom, and what is cut."""

import uuid
from collections.abc import AsyncIterator
from typing import Any

import pytest

from agents import sessions, threads
from agents.models import Agent
from agents.roles import Clearance, Role
from agents.tests.wire import Wire
from missions import services
from missions.models import Mission
from missions.protocol import Status
from missions.tests.room import Room, bodies, is_body, set_access
from tests.cast import ANALYST, DIRECTOR, HANDLER, NOVICE, OPERATIVE, OUTSIDER, Member

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
async def room(cast: dict[Member, Agent], mission: Mission) -> AsyncIterator[Room]:
    """The cast, with a mission that the handler, the analyst and two operatives are on."""
    room = Room(cast)
    yield room
    await room.aclose()


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


# Rights that change under an open socket.


async def test_a_lowered_role_moves_the_socket_to_its_new_stream(
    room: Room, mission: Mission
) -> None:
    """`access_changed`, then a new snapshot on the same socket, without what it may not see."""
    await room.publish(HANDLER, mission, "for analysts", roles=frozenset({Role.ANALYST}))
    await room.publish(HANDLER, mission, "for all")
    wire = await room.enter(ANALYST)
    await room.do(set_access, room.cast[ANALYST].pk, role=Role.FIELD_OPERATIVE)
    await wire.expect("access_changed", role="field-operative", clearance="secret")
    await wire.expect("mission")
    page = await wire.expect("subscribed", mission=str(mission.pk), recovered=False, seq=1)
    assert [one["update"]["body"] for one in page["updates"]] == ["for all"]
    await room.publish(HANDLER, mission, "analysts again", roles=frozenset({Role.ANALYST}))
    await room.publish(HANDLER, mission, "fence")
    assert bodies(await wire.until(is_body("fence"))) == ["fence"]


async def test_unassigned_and_assigned_again(room: Room, mission: Mission) -> None:
    """The mission is taken away with a word, and comes back with a snapshot."""
    wire, handler = await room.enter(ANALYST), room.cast[HANDLER]
    key, analyst = str(mission.pk), room.cast[ANALYST]
    await room.do(services.remove_member, handler, mission.pk, analyst.pk)
    await wire.expect("unsubscribed", mission=key, reason="access_revoked")
    await room.publish(HANDLER, mission, "unseen")
    assert (await wire.ask("subscribe", mission=key))["code"] == "not_found"
    await room.do(services.add_member, handler, mission.pk, analyst.pk)
    assert (await wire.expect("mission"))["mission"]["id"] == key
    page = await wire.expect("subscribed", mission=key)
    assert [one["update"]["body"] for one in page["updates"]] == ["unseen"]


async def test_a_right_taken_and_given_back_in_one_breath_leaves_no_dead_stream(
    room: Room, mission: Mission
) -> None:
    """A revision that was overtaken before it was told must not leave a mission without updates."""
    wire, handler = await room.enter(ANALYST), room.cast[HANDLER]
    consumer = wire_consumer(wire)
    analyst = room.cast[ANALYST].pk
    async with consumer._turn:  # a client that is slow to be told anything
        taken = await read_after(room, services.remove_member, handler, mission.pk, analyst)
        consumer.cut(taken)
        given = await read_after(room, services.add_member, handler, mission.pk, analyst)
        consumer.cut(given)
    await consumer.rescope(taken)
    await consumer.rescope(given)
    await room.publish(HANDLER, mission, "fence")
    assert "fence" in bodies(await wire.until(is_body("fence")))


async def test_a_reclassified_mission_disappears_for_who_is_cleared_too_low(
    room: Room, mission: Mission
) -> None:
    """And stays, without a new numbering, for who is cleared."""
    operative, analyst = await room.enter(OPERATIVE), await room.enter(ANALYST)
    await room.do(
        services.change_mission, room.cast[HANDLER], mission.pk, classification=Clearance.SECRET
    )
    await operative.expect("unsubscribed", mission=str(mission.pk), reason="access_revoked")
    changed = await analyst.expect("mission")
    assert changed["mission"]["classification"] == "secret"
    await room.publish(HANDLER, mission, "fence")
    assert (await analyst.expect("update"))["seq"] == 1
    assert await operative.fence() == []


async def test_a_new_mission_appears(room: Room) -> None:
    """To its creator and to directors, with its subscription; not to the outsider."""
    handler, director = await room.enter(HANDLER), await room.enter(DIRECTOR)
    outsider = await room.enter(OUTSIDER)
    made = await room.do(
        services.create_mission, room.cast[HANDLER], "New", "", Clearance.RESTRICTED
    )
    for wire in (handler, director):
        assert (await wire.expect("mission"))["mission"]["id"] == str(made.pk)
        await wire.expect("subscribed", mission=str(made.pk))
    assert await outsider.fence() == []


async def test_a_new_mission_is_only_announced_where_the_url_chose(room: Room) -> None:
    """Who chose by URL subscribes by itself."""
    wire = await room.enter(HANDLER, query="missions=none")
    await room.do(services.create_mission, room.cast[HANDLER], "New", "", Clearance.RESTRICTED)
    await wire.expect("mission")
    assert await wire.fence() == []


async def test_an_ended_session_closes_its_sockets_and_no_others(room: Room) -> None:
    """4003 at once; another session of the same agent stays."""
    session = await room.session(ANALYST)
    ended, other = await room.enter(session), await room.enter(ANALYST)
    await room.do(sessions.end_session, session.pk, "logout")
    assert (await ended.close())[0] == 4003
    assert await other.fence() == []


async def test_a_disabled_agent_is_cut_off(room: Room) -> None:
    """All sockets of the agent close with 4003."""
    wires = [await room.enter(ANALYST), await room.enter(ANALYST)]
    await room.do(set_access, room.cast[ANALYST].pk, is_active=False)
    assert [(await wire.close())[0] for wire in wires] == [4003, 4003]


async def test_nothing_sent_after_the_session_ended_is_done(room: Room, mission: Mission) -> None:
    """Frames that lie unread behind the end of a session have no effect."""
    session = await room.session(ANALYST)
    wire = await room.enter(session)
    consumer = wire_consumer(wire)
    consumer.session_ended()
    wire.send("publish", mission=str(mission.pk), kind="report", body="too late")
    assert (await wire.close())[0] == 4003
    await wire.task
    assert await room.do(mission.updates.count) == 0


async def test_a_socket_that_cannot_be_rescoped_is_closed(
    room: Room, mission: Mission, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rather closed, so that the client resumes, than open without its missions."""
    wire = await room.enter(ANALYST)
    consumer = wire_consumer(wire)
    with monkeypatch.context() as patch:
        async with consumer._turn:
            changed = await read_after(room, set_access, consumer.agent_id, role=Role.HANDLER)
            consumer.cut(changed)
            patch.setattr(threads, "DEADLINE", 0.0)
        await consumer.rescope(changed)
    assert (await wire.close())[0] == 1013


async def test_a_client_that_left_leaves_no_place_behind(room: Room, mission: Mission) -> None:
    """Not even when its rights change at that very moment."""
    from missions import switchboard

    wire = await room.enter(ANALYST)
    consumer = wire_consumer(wire)
    changed = await read_after(room, set_access, room.cast[ANALYST].pk, role=Role.HANDLER)
    await wire.ended()
    await consumer.rescope(changed)
    assert switchboard.current().subscriptions(str(mission.pk)) == []


async def test_rights_are_cut_though_the_client_does_not_read(room: Room, mission: Mission) -> None:
    """What waits unread is dropped with the connection, and nothing secret leaves any more."""
    wire = await room.enter(ANALYST)
    fence = await room.enter(HANDLER)
    wire.stop_reading()
    for n in range(3):
        await room.publish(HANDLER, mission, f"secret {n}", classification=Clearance.SECRET)
    await fence.until(is_body("secret 2"))
    await room.do(set_access, room.cast[ANALYST].pk, clearance=Clearance.RESTRICTED)
    await fence_revision(wire)
    wire.read_again()
    code, _ = await wire.close()
    assert code == 1012


async def fence_revision(wire: Wire) -> None:
    """Until the socket has taken its new rights, or is closed."""
    from agents import watch

    consumer = wire_consumer(wire)
    while not consumer.outgoing.closed:
        await watch.current().compare()


async def read_after(room: Room, change: Any, *args: Any, **kwargs: Any) -> Any:
    """Makes a change and reads the analyst's rights after it."""
    from missions.access import read_access

    def work() -> Any:
        change(*args, **kwargs)
        analyst = room.cast[ANALYST].pk
        return read_access([analyst])[analyst]

    return await room.do(work)


def wire_consumer(wire: Wire) -> Any:
    """The consumer at the other end of a socket, as the watch holds it."""
    from agents import watch

    sockets = {one for group in watch.current()._sockets.values() for one in group}
    return next(
        one for one in sockets if getattr(one, "scope", {}).get("headers") is wire.scope["headers"]
    )
