"""Pages of a mission's log over REST: whole, without a hole, and of the own stream alone."""

from collections.abc import Iterator
from typing import Any

import pytest

from agents.roles import Clearance
from missions import limits, services
from missions.models import Mission, Update
from missions.tests.caller import MESSAGE, NOBODY, fill
from missions.tests.conftest import Call, Cast
from tests.cast import ANALYST, DIRECTOR, HANDLER, OPERATIVE


def ids(page: Any) -> list[str]:
    """The ids on a page."""
    return [one["update"]["id"] for one in page["updates"]]


def seqs(page: Any) -> list[int | None]:
    """The numbers on a page."""
    return [one["seq"] for one in page["updates"]]


def test_each_sees_its_own_numbers_without_a_hole(
    by: Call, cast: Cast, path: str, mission: Mission, secret: Update
) -> None:
    """What is hidden takes no number, no place on the page, and shows in no head."""
    following = by(OPERATIVE).post(path, MESSAGE).json["id"]
    for member in (HANDLER, ANALYST, DIRECTOR):
        page = by(member).get(path).json
        assert (page["seq"], seqs(page), ids(page)) == (2, [1, 2], [str(secret.pk), following])
    page = by(OPERATIVE).get(path).json
    assert (page["seq"], seqs(page), ids(page)) == (1, [1], [following])
    assert page["mission"] == str(mission.pk)
    assert page["epoch"] != by(HANDLER).get(path).json["epoch"]


def test_an_author_reads_what_it_sent_to_others_alone(by: Call, path: str) -> None:
    """By id and under `author=me` with a null number; not in the stream."""
    content = {**MESSAGE, "roles": ["handler"]}
    sent = by(OPERATIVE).post(path, content).json
    del sent["client_id"]
    assert by(OPERATIVE).get(f"/api/updates/{sent['id']}").json == sent
    page = by(OPERATIVE).get(path).json
    assert (page["seq"], page["updates"]) == (0, [])
    own = by(OPERATIVE).get(path, author="me").json
    assert own["updates"] == [{"seq": None, "update": sent}]
    assert by(HANDLER).get(path, author="me").json["updates"] == []


def test_without_a_cursor_the_newest_come(by: Call, path: str) -> None:
    """50 of them, or `limit`."""
    published = fill(by(HANDLER), path, 60)
    page = by(OPERATIVE).get(path).json
    assert (page["seq"], page["recovered"], ids(page)) == (60, False, published[10:])
    assert seqs(page) == list(range(11, 61))
    assert ids(by(OPERATIVE).get(f"{path}/", limit="3").json) == published[57:]
    assert ids(by(OPERATIVE).get(path, limit=str(limits.PAGE_MOST)).json) == published


def backwards(by: Call, path: str, limit: int) -> Iterator[str]:
    """The whole log from its end, by `before`."""
    page = by(OPERATIVE).get(path, limit=limit).json
    while page["updates"]:
        yield from reversed(ids(page))
        page = by(OPERATIVE).get(path, limit=limit, before=ids(page)[0], epoch=page["epoch"]).json


def test_the_whole_log_is_read_backwards_and_forwards(by: Call, path: str) -> None:
    """Each once, in order, whatever is hidden in between."""
    published = []
    for number in range(11):
        published += fill(by(HANDLER), path, 1)
        by(HANDLER).post(path, {**MESSAGE, "roles": ["analyst"], "body": f"hidden {number}"})
    assert list(backwards(by, path, 4)) == published[::-1]
    epoch = by(OPERATIVE).get(path).json["epoch"]
    found = published[:1]
    while page := by(OPERATIVE).get(path, after=found[-1], epoch=epoch, limit="3").json["updates"]:
        found += ids({"updates": page})
    assert found == published


def test_after_gives_what_follows_and_says_that_it_does(by: Call, path: str) -> None:
    """`recovered` is true, also when nothing follows."""
    first, second = fill(by(HANDLER), path, 2)
    epoch = by(OPERATIVE).get(path).json["epoch"]
    page = by(OPERATIVE).get(path, after=first, epoch=epoch).json
    assert (page["recovered"], ids(page)) == (True, [second])
    page = by(OPERATIVE).get(path, after=second, epoch=epoch).json
    assert (page["recovered"], ids(page), page["seq"]) == (True, [], 2)


def test_before_decides_when_both_are_sent(by: Call, path: str) -> None:
    """As the schema says."""
    first, second, third = fill(by(HANDLER), path, 3)
    epoch = by(OPERATIVE).get(path).json["epoch"]
    page = by(OPERATIVE).get(path, after=first, before=third, epoch=epoch, limit="1").json
    assert ids(page) == [second]


def test_a_bad_cursor_is_never_a_silent_hole(
    by: Call, path: str, cast: Cast, secret: Update
) -> None:
    """After it a snapshot, `recovered` false; before it 409 `reset`."""
    seen = fill(by(HANDLER), path, 2)
    other = services.create_mission(cast[HANDLER], "Other", "", Clearance.RESTRICTED)
    services.add_member(cast[HANDLER], other.pk, cast[OPERATIVE].pk)
    elsewhere = fill(by(HANDLER), f"/api/missions/{other.pk}/updates", 1)[0]
    epoch = by(OPERATIVE).get(path).json["epoch"]
    foreign = by(HANDLER).get(path).json["epoch"]
    bad: list[dict[str, str]] = [
        {"id": update_id, "epoch": epoch}
        for update_id in (NOBODY, str(secret.pk), elsewhere, "nonsense", "", seen[0].upper())
    ]
    bad += [{"id": seen[0], "epoch": wrong} for wrong in (foreign, "nonsense", "")]
    bad += [{"id": seen[0]}]
    for cursor in bad:
        said = {name: value for name, value in cursor.items() if name != "id"}
        page = by(OPERATIVE).get(path, after=cursor["id"], **said).json
        assert (page["recovered"], ids(page)) == (False, seen), cursor
        answer = by(OPERATIVE).get(path, before=cursor["id"], **said)
        assert answer.said == (409, "reset"), cursor


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"limit": "0"}, "limit"),
        ({"limit": "201"}, "limit"),
        ({"limit": "-1"}, "limit"),
        ({"limit": "ten"}, "limit"),
        ({"limit": ""}, "limit"),
        ({"limit": "1.0"}, "limit"),
        ({"limit": "9" * 5000}, "limit"),
        ({"limit": ["1", "2"]}, "limit"),
        ({"author": "you"}, "author"),
        ({"offset": "3"}, "offset"),
        ({"after": "\0"}, "after"),
    ],
)
def test_the_query_is_read_strictly(by: Call, path: str, query: dict[str, Any], field: str) -> None:
    """400 naming the parameter."""
    answer = by(OPERATIVE).get(path, **query)
    assert (answer.status, answer.json["code"], answer.json["field"]) == (400, "invalid", field)
