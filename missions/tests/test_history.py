"""The log as a viewer reads it: pages by number, resumes by id, resets instead of silent holes."""

import uuid

import msgspec
import pytest

from agents.errors import NotFound
from agents.models import Agent
from agents.roles import Clearance, Role
from missions import history, services
from missions.drafts import Draft
from missions.errors import Reset
from missions.models import Mission
from missions.protocol import Kind, Page, UpdateObject
from tests.cast import ANALYST, DIRECTOR, HANDLER, NOVICE, OUTSIDER, Member

Cast = dict[Member, Agent]
FOR_HANDLERS = frozenset({Role.HANDLER})


@pytest.fixture
def mission(cast: Cast) -> Mission:
    """Ten updates, every second of them for handlers alone."""
    made = services.create_mission(cast[HANDLER], "Harbour", "", Clearance.CONFIDENTIAL)
    services.add_member(cast[HANDLER], made.pk, cast[ANALYST].pk)
    for number in range(10):
        roles = FOR_HANDLERS if number % 2 else frozenset()
        services.publish(
            cast[HANDLER], made.pk, Draft(kind=Kind.REPORT, body=str(number), roles=roles)
        )
    return made


def read(page: Page) -> list[tuple[int | None, str]]:
    """Number and body of each entry."""
    return [
        (entry.seq, msgspec.json.decode(entry.update, type=UpdateObject).body)
        for entry in page.updates
    ]


def id_at(page: Page, at: int) -> str:
    """The id of an entry."""
    return msgspec.json.decode(page.updates[at].update, type=UpdateObject).id


def test_a_stream_is_dense_for_its_viewer(cast: Cast, mission: Mission) -> None:
    """What is hidden takes no number: nothing tells that there was something."""
    assert read(history.page(cast[ANALYST], mission.pk)) == [
        (1, "0"),
        (2, "2"),
        (3, "4"),
        (4, "6"),
        (5, "8"),
    ]
    assert history.page(cast[HANDLER], mission.pk).seq == 10


def test_a_page_ends_with_the_newest(cast: Cast, mission: Mission) -> None:
    """And `before` walks back to the first."""
    newest = history.page(cast[ANALYST], mission.pk, limit=2)
    assert read(newest) == [(4, "6"), (5, "8")]
    assert (newest.seq, newest.recovered) == (5, False)
    older = history.page(
        cast[ANALYST], mission.pk, limit=2, before=id_at(newest, 0), epoch=newest.epoch
    )
    assert read(older) == [(2, "2"), (3, "4")]
    first = history.page(
        cast[ANALYST], mission.pk, limit=2, before=id_at(older, 0), epoch=newest.epoch
    )
    assert read(first) == [(1, "0")]


def test_after_gives_exactly_what_follows(cast: Cast, mission: Mission) -> None:
    """Nothing when nothing follows, and both are a recovery."""
    whole = history.page(cast[ANALYST], mission.pk)
    for held in range(5):
        page = history.page(cast[ANALYST], mission.pk, after=id_at(whole, held), epoch=whole.epoch)
        assert page.recovered is True
        assert read(page) == read(whole)[held + 1 :]


def test_a_cursor_that_does_not_hold_is_a_snapshot_or_a_reset(cast: Cast, mission: Mission) -> None:
    """Of a hidden update, of another mission, of nothing, of a foreign epoch: all alike."""
    whole = history.page(cast[ANALYST], mission.pk)
    hidden = id_at(history.page(cast[HANDLER], mission.pk), 9)
    other = services.create_mission(cast[HANDLER], "Quay", "", Clearance.CONFIDENTIAL)
    elsewhere = services.publish(cast[HANDLER], other.pk, Draft(kind=Kind.REPORT, body="x"))
    bad = [
        (hidden, whole.epoch),
        (str(elsewhere.pk), whole.epoch),
        (str(uuid.uuid4()), whole.epoch),
        ("no id", whole.epoch),
        (id_at(whole, 2), uuid.uuid4().hex),
    ]
    for cursor, epoch in bad:
        page = history.page(cast[ANALYST], mission.pk, after=cursor, epoch=epoch)
        assert page == whole
        with pytest.raises(Reset):
            history.page(cast[ANALYST], mission.pk, before=cursor, epoch=epoch)


def test_what_one_sent_is_found_also_outside_the_own_stream(cast: Cast, mission: Mission) -> None:
    """Without a number there, and only one's own."""
    services.publish(
        cast[ANALYST], mission.pk, Draft(kind=Kind.REPORT, body="for them", roles=FOR_HANDLERS)
    )
    services.publish(cast[ANALYST], mission.pk, Draft(kind=Kind.REPORT, body="for all"))
    sent = history.page(cast[ANALYST], mission.pk, author_me=True)
    assert read(sent) == [(None, "for them"), (6, "for all")]


@pytest.mark.parametrize("member", [OUTSIDER, NOVICE])
def test_to_others_there_is_no_log(cast: Cast, mission: Mission, member: Member) -> None:
    """As to nobody for a mission that is not."""
    for key in (mission.pk, uuid.uuid4()):
        with pytest.raises(NotFound):
            history.page(cast[member], key)


def test_an_update_goes_over_the_wire_as_it_was_written(cast: Cast, mission: Mission) -> None:
    """Its author as then, its roles in order, its time with milliseconds."""
    update = services.publish(
        cast[DIRECTOR],
        mission.pk,
        Draft(
            kind=Kind.ORDER,
            body="<b>Ordnung</b> \u202e muß sein",
            data={"x": [1, None]},
            classification=Clearance.SECRET,
            roles=frozenset({Role.ANALYST, Role.HANDLER}),
            requires_ack=True,
            ack_within=60,
        ),
    )
    Agent.objects.filter(pk=cast[DIRECTOR].pk).update(codename="Renamed")
    update.refresh_from_db()
    sent = msgspec.json.decode(history.update_bytes(update))
    created_at = sent.pop("created_at")
    assert created_at.endswith("Z")
    assert len(created_at) == len("2026-01-01T00:00:00.000Z")
    assert sent == {
        "id": str(update.pk),
        "kind": "order",
        "body": "<b>Ordnung</b> \u202e muß sein",
        "data": {"x": [1, None]},
        "author": {"codename": DIRECTOR.codename, "role": "director"},
        "classification": "secret",
        "roles": ["handler", "analyst"],
        "requires_ack": True,
        "ack_within": 60,
    }
