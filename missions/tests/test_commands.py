"""What frames ask becomes what services do: every field, and every default."""

import json
from collections.abc import MutableMapping
from typing import Any

import pytest
from msgspec import UNSET

from agents.errors import Invalid, NotFound
from agents.models import Agent
from agents.protocol import decode_frame
from agents.roles import Clearance, Role
from agents.sockets.outgoing import Outgoing
from missions import commands, history
from missions.drafts import Draft
from missions.models import Mission, Receipt, Update
from missions.protocol import Kind, command_decoder
from tests.cast import ANALYST, HANDLER, OUTSIDER, Member

Sent = list[dict[str, Any]]


class Subscriptions:
    """Remembers what it was asked."""

    def __init__(self, *held: str) -> None:
        self.held = held
        self.asked: list[tuple[str, object, object, object]] = []
        self.left: list[str] = []

    def __contains__(self, mission_id: str) -> bool:
        return mission_id in self.held

    async def subscribe(self, mission_id: str, **options: object) -> None:
        """Takes note."""
        asked = (mission_id, options["after"], options["epoch"], options["frame_id"])
        self.asked.append(asked)

    def leave(self, mission_id: str) -> None:
        """Takes note."""
        self.left.append(mission_id)


async def run(agent: Agent, subscriptions: Any = None, **fields: Any) -> Sent:
    """Runs a frame; what was sent."""
    sent: Sent = []

    async def send(message: MutableMapping[str, Any]) -> None:
        sent.append(json.loads(message["text"]))

    outgoing = Outgoing({}, send)
    frame = decode_frame(command_decoder, json.dumps(fields))
    held: Any = subscriptions or Subscriptions()
    await commands.run(frame, agent.pk, held, outgoing)
    await outgoing.drained()
    return sent


def drafted(**fields: Any) -> Draft:
    """The draft of a publish frame."""
    frame = {"type": "publish", "mission": "m", "kind": "report", "body": "b"} | fields
    return commands._draft(decode_frame(command_decoder, json.dumps(frame)))


def test_what_a_publish_leaves_out_has_its_default() -> None:
    """The mission's classification, every role, no acknowledgement."""
    assert drafted() == Draft(kind=Kind.REPORT, body="b")


def test_every_field_of_a_publish_arrives() -> None:
    """As REST would have it."""
    assert drafted(
        kind="position",
        data={"lat": 1, "lon": 2},
        classification="top-secret",
        roles=["analyst", "analyst", "handler"],
        requires_ack=True,
        ack_within=60,
        client_id="c",
    ) == Draft(
        kind=Kind.POSITION,
        body="b",
        data={"lat": 1, "lon": 2},
        classification=Clearance.TOP_SECRET,
        roles=frozenset({Role.ANALYST, Role.HANDLER}),
        requires_ack=True,
        ack_within=60,
        client_id="c",
    )


@pytest.mark.parametrize(
    ("fields", "field"),
    [({"classification": "TOP-SECRET"}, "classification"), ({"roles": ["spy"]}, "roles")],
)
def test_words_that_are_none_of_ours_are_invalid(fields: dict[str, Any], field: str) -> None:
    """And named."""
    with pytest.raises(Invalid) as raised:
        drafted(**fields)
    assert raised.value.field == field


@pytest.mark.django_db(transaction=True)
async def test_publishing_answers_with_the_update(
    cast: dict[Member, Agent], mission: Mission
) -> None:
    """The same object that everybody gets; `client_id` only where one was sent."""
    said = {"type": "publish", "mission": str(mission.pk), "kind": "report", "body": "b"}
    (answer,) = await run(cast[ANALYST], id=1, **said)
    update = await Update.objects.aget()
    assert answer == {
        "type": "published",
        "id": 1,
        "mission": str(mission.pk),
        "update": json.loads(history.update_bytes(update)),
    }
    (named,) = await run(cast[ANALYST], client_id="c", **said)
    assert named["client_id"] == "c"


@pytest.mark.django_db(transaction=True)
async def test_rights_are_read_when_the_frame_is_done(
    cast: dict[Member, Agent], mission: Mission
) -> None:
    """A disabled agent's frame does nothing."""
    await Agent.objects.filter(pk=cast[ANALYST].pk).aupdate(is_active=False)
    with pytest.raises(NotFound):
        await run(cast[ANALYST], type="publish", mission=str(mission.pk), kind="report", body="b")
    assert not await Update.objects.aexists()


@pytest.mark.django_db(transaction=True)
async def test_acknowledging_stores_a_receipt(cast: dict[Member, Agent], mission: Mission) -> None:
    """And answers with the update's id."""
    said = {"type": "publish", "mission": str(mission.pk), "kind": "report", "body": "b"}
    (made,) = await run(cast[HANDLER], requires_ack=True, **said)
    key = made["update"]["id"]
    answers = await run(cast[ANALYST], type="acknowledge", update=key, id="x")
    assert answers == [{"type": "acknowledged", "id": "x", "update": key}]
    assert [one.agent_id async for one in Receipt.objects.all()] == [cast[ANALYST].pk]


@pytest.mark.django_db(transaction=True)
async def test_subscribing_hands_the_cursor_on(cast: dict[Member, Agent], mission: Mission) -> None:
    """Both parts or none; null asks for the start."""
    key, asked = str(mission.pk), Subscriptions()
    await run(cast[ANALYST], asked, type="subscribe", mission=key, after="u", epoch="e", id=1)
    await run(cast[ANALYST], asked, type="subscribe", mission=key, after=None, epoch="e")
    await run(cast[ANALYST], asked, type="subscribe", mission=key, epoch="e")
    await run(cast[ANALYST], asked, type="subscribe", mission=key, after="u")
    assert asked.asked == [
        (key, "u", "e", 1),
        (key, None, "e", UNSET),
        (key, None, None, UNSET),
        (key, "u", None, UNSET),
    ]


@pytest.mark.django_db(transaction=True)
async def test_no_place_is_taken_on_what_may_not_be_seen(
    cast: dict[Member, Agent], mission: Mission
) -> None:
    """Nor on what does not exist: the switchboard never hears of it."""
    asked = Subscriptions()
    for mission_id in (str(mission.pk), str(mission.pk).upper(), "nonsense"):
        with pytest.raises(NotFound):
            await run(cast[OUTSIDER], asked, type="subscribe", mission=mission_id)
    assert asked.asked == []


@pytest.mark.django_db(transaction=True)
async def test_unsubscribing_is_answered_for_any_mission(cast: dict[Member, Agent]) -> None:
    """It tells nothing about what exists."""
    asked = Subscriptions()
    answers = await run(cast[OUTSIDER], asked, type="unsubscribe", mission="anything", id=2)
    assert answers == [
        {"type": "unsubscribed", "id": 2, "mission": "anything", "reason": "requested"}
    ]
    assert asked.left == ["anything"]
