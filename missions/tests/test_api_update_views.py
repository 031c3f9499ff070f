"""A mission's log over REST: publishing, pages, receipts, and what those get who may not."""

from collections.abc import Iterator
from typing import Any

import pytest

from agents.roles import Clearance, Role
from missions import limits, services
from missions.drafts import Draft
from missions.models import Mission, Receipt, Update
from missions.protocol import Kind, Status
from missions.tests.caller import unknown_ids
from missions.tests.conftest import Call, Cast
from tests.cast import ANALYST, DIRECTOR, HANDLER, NOVICE, OPERATIVE, OUTSIDER, Member

MESSAGE = {"kind": "message", "body": "At the saddle."}
CALLS = [("GET", ""), ("PATCH", ""), ("DELETE", ""), ("POST", "/acknowledge"), ("GET", "/receipts")]
NOBODY = "3f0e7f6a-0000-4000-8000-000000000000"


@pytest.fixture
def path(mission: Mission) -> str:
    """The log's path."""
    return f"/api/missions/{mission.pk}/updates"


@pytest.fixture
def secret(cast: Cast, mission: Mission) -> Update:
    """An order at secret to analysts, to be acknowledged: seen by handler, analyst, director."""
    return services.publish(
        cast[HANDLER],
        mission.pk,
        Draft(
            kind=Kind.ORDER,
            body="Say nothing.",
            classification=Clearance.SECRET,
            roles=frozenset({Role.ANALYST, Role.HANDLER}),
            requires_ack=True,
            ack_within=60,
        ),
    )


def fill(by: Call, path: str, count: int, member: Member = HANDLER) -> list[str]:
    """Publishes that many messages; their ids in order."""
    return [
        by(member).post(path, {"kind": "message", "body": f"{number}"}).json["id"]
        for number in range(count)
    ]


def ids(page: Any) -> list[str]:
    """The ids on a page."""
    return [one["update"]["id"] for one in page["updates"]]


def seqs(page: Any) -> list[int | None]:
    """The numbers on a page."""
    return [one["seq"] for one in page["updates"]]


def test_a_published_update_comes_back_whole_and_is_read_the_same(by: Call, path: str) -> None:
    """201 with every field of the contract and the `client_id`; defaults are written out."""
    answer = by(OPERATIVE).post(f"{path}/", {**MESSAGE, "client_id": "one"})
    assert answer.status == 201
    said = dict(answer.json)
    assert said.pop("client_id") == "one"
    assert said == {
        "id": said["id"],
        "kind": "message",
        "body": "At the saddle.",
        "data": {},
        "author": {"codename": OPERATIVE.codename, "role": "field-operative"},
        "classification": "confidential",
        "roles": [],
        "requires_ack": False,
        "ack_within": None,
        "created_at": said["created_at"],
    }
    assert said["created_at"].endswith("Z")
    assert by(ANALYST).get(f"/api/updates/{said['id']}").json == said
    assert by(ANALYST).get(path).json["updates"] == [{"seq": 1, "update": said}]


def test_everything_that_an_update_may_carry_is_kept(by: Call, path: str) -> None:
    """Roles come back in the order of rank, once each."""
    content = {
        "kind": "order",
        "body": "\u202e<script>alert(1)</script>'; DROP TABLE--\n",
        "data": {"deep": [{"a": None}], "n": 1.5, "big": 10**30},
        "classification": "secret",
        "roles": ["field-operative", "analyst", "analyst"],
        "requires_ack": True,
        "ack_within": 10,
        "client_id": "ü" * 64,
    }
    answer = by(HANDLER).post(path, content).json
    kept = {name: answer[name] for name in content}
    assert kept == {**content, "roles": ["analyst", "field-operative"]}


def test_a_repeat_of_a_client_id_is_the_same_update(by: Call, path: str, mission: Mission) -> None:
    """Also after the mission was closed; another content is a conflict; another author is free."""
    content = {**MESSAGE, "client_id": "one"}
    first = by(OPERATIVE).post(path, content)
    assert by(OPERATIVE).post(path, content).said == (201, first.json)
    assert by(OPERATIVE).post(path, {**content, "body": "x"}).said == (409, "conflict")
    assert by(ANALYST).post(path, content).json["id"] != first.json["id"]
    by(HANDLER)("PATCH", f"/api/missions/{mission.pk}", {"status": "aborted"})
    assert by(OPERATIVE).post(path, content).said == (201, first.json)
    assert by(OPERATIVE).post(path, MESSAGE).said == (409, "mission_closed")
    assert Update.objects.count() == 2


def test_an_update_without_client_id_says_so(by: Call, path: str) -> None:
    """Null; two of them are two updates."""
    answers = [by(OPERATIVE).post(path, MESSAGE).json for _ in range(2)]
    assert [answer["client_id"] for answer in answers] == [None, None]
    assert answers[0]["id"] != answers[1]["id"]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"kind": "rumour"}, "kind"),
        ({"kind": 1}, "kind"),
        ({"body": ""}, "body"),
        ({"body": "x" * 8001}, "body"),
        ({"body": 7}, "body"),
        ({"body": ["x"]}, "body"),
        ({"data": []}, "data"),
        ({"data": None}, "data"),
        ({"data": {"x": "y" * 8192}}, "data"),
        ({"kind": "position"}, "data"),
        ({"kind": "position", "data": {"lat": 91, "lon": 0}}, "data"),
        ({"kind": "position", "data": {"lat": "1", "lon": 0}}, "data"),
        ({"kind": "position", "data": {"lat": True, "lon": 0}}, "data"),
        ({"kind": "position", "data": {"lat": 1, "lon": 0, "alt": 3}}, "data"),
        ({"classification": 3}, "classification"),
        ({"classification": None}, "classification"),
        ({"roles": ["spy"]}, "roles"),
        ({"roles": "analyst"}, "roles"),
        ({"roles": [1]}, "roles"),
        ({"requires_ack": "yes"}, "requires_ack"),
        ({"requires_ack": 1}, "requires_ack"),
        ({"ack_within": 60}, "ack_within"),
        ({"requires_ack": True, "ack_within": 9}, "ack_within"),
        ({"requires_ack": True, "ack_within": 86401}, "ack_within"),
        ({"requires_ack": True, "ack_within": "60"}, "ack_within"),
        ({"requires_ack": True, "ack_within": 60.5}, "ack_within"),
        ({"requires_ack": True, "ack_within": True}, "ack_within"),
        ({"client_id": ""}, "client_id"),
        ({"client_id": "x" * 65}, "client_id"),
        ({"client_id": 1}, "client_id"),
        ({"author": "me"}, "author"),
        ({"id": NOBODY}, "id"),
        ({"created_at": "2020-01-01T00:00:00Z"}, "created_at"),
        ({"seq": 1}, "seq"),
        ({"mission": NOBODY}, "mission"),
    ],
)
def test_an_update_is_read_strictly(
    by: Call, path: str, change: dict[str, object], field: str
) -> None:
    """400 naming the field, and nothing is stored."""
    answer = by(HANDLER).post(path, {**MESSAGE, **change})
    assert (answer.status, answer.json["code"], answer.json["field"]) == (400, "invalid", field)
    assert not Update.objects.exists()


@pytest.mark.parametrize("raw", [b'{"kind":"message","body":"\\u0000"}', b'{"body":"\\ud800"}'])
def test_text_that_is_no_text_is_refused(by: Call, path: str, raw: bytes) -> None:
    """NUL and halves of characters: 400."""
    assert by(HANDLER)("POST", path, raw=raw).said == (400, "invalid")


def test_a_body_over_the_limit_of_uploads_is_too_large(by: Call, path: str) -> None:
    """413."""
    raw = b'{"kind":"message","body":"' + b"x" * 300_000 + b'"}'
    assert by(HANDLER)("POST", path, raw=raw).said == (413, "too_large")


def test_a_position_is_numbers(by: Call, path: str) -> None:
    """Degrees at their limits, and metres."""
    content = {
        "kind": "position",
        "body": "Here.",
        "data": {"lat": -90, "lon": 180, "accuracy": 0.5},
    }
    assert by(OPERATIVE).post(path, content).json["data"] == content["data"]


@pytest.mark.parametrize(
    ("member", "change"),
    [
        (OPERATIVE, {"kind": "order"}),
        (ANALYST, {"kind": "status"}),
        (OPERATIVE, {"classification": "secret"}),
        (HANDLER, {"classification": "top-secret"}),
        (HANDLER, {"classification": "restricted"}),
    ],
)
def test_what_an_author_may_not_say_is_forbidden(
    by: Call, path: str, member: Member, change: dict[str, str]
) -> None:
    """403: orders by operatives, above the own clearance, below the mission's classification."""
    assert by(member).post(path, {**MESSAGE, **change}).said == (403, "forbidden")
    assert not Update.objects.exists()


@pytest.mark.parametrize("member", [NOVICE, OUTSIDER])
def test_who_may_not_enter_publishes_nothing(by: Call, path: str, member: Member) -> None:
    """404, nothing stored; a director who is no member does publish."""
    assert by(member).post(path, MESSAGE).said == (404, "not_found")
    assert not Update.objects.exists()
    assert by(DIRECTOR).post(path, MESSAGE).status == 201


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


@pytest.mark.parametrize("member", [OPERATIVE, NOVICE, OUTSIDER])
def test_a_hidden_update_answers_as_one_that_does_not_exist(
    by: Call, secret: Update, member: Member
) -> None:
    """Every call, every id that is no visible one: one status, one body."""
    answers = {
        (answer.status, answer.body)
        for update_id in unknown_ids(secret.pk)
        for method, rest in CALLS
        for answer in [by(member)(method, f"/api/updates/{update_id}{rest}")]
    }
    assert answers == {(404, b'{"code":"not_found","message":"Not found."}')}
    assert not Receipt.objects.exists()


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
    published = fill(by, path, 60)
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
        published += fill(by, path, 1)
        by(HANDLER).post(path, {**MESSAGE, "roles": ["analyst"], "body": f"hidden {number}"})
    assert list(backwards(by, path, 4)) == published[::-1]
    epoch = by(OPERATIVE).get(path).json["epoch"]
    found = published[:1]
    while page := by(OPERATIVE).get(path, after=found[-1], epoch=epoch, limit="3").json["updates"]:
        found += ids({"updates": page})
    assert found == published


def test_after_gives_what_follows_and_says_that_it_does(by: Call, path: str) -> None:
    """`recovered` is true, also when nothing follows."""
    first, second = fill(by, path, 2)
    epoch = by(OPERATIVE).get(path).json["epoch"]
    page = by(OPERATIVE).get(path, after=first, epoch=epoch).json
    assert (page["recovered"], ids(page)) == (True, [second])
    page = by(OPERATIVE).get(path, after=second, epoch=epoch).json
    assert (page["recovered"], ids(page), page["seq"]) == (True, [], 2)


def test_before_decides_when_both_are_sent(by: Call, path: str) -> None:
    """As the schema says."""
    first, second, third = fill(by, path, 3)
    epoch = by(OPERATIVE).get(path).json["epoch"]
    page = by(OPERATIVE).get(path, after=first, before=third, epoch=epoch, limit="1").json
    assert ids(page) == [second]


def test_a_bad_cursor_is_never_a_silent_hole(
    by: Call, path: str, cast: Cast, secret: Update
) -> None:
    """After it a snapshot, `recovered` false; before it 409 `reset`."""
    seen = fill(by, path, 2)
    other = services.create_mission(cast[HANDLER], "Other", "", Clearance.RESTRICTED)
    services.add_member(cast[HANDLER], other.pk, cast[OPERATIVE].pk)
    elsewhere = fill(by, f"/api/missions/{other.pk}/updates", 1)[0]
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


def test_an_acknowledgement_is_given_once_and_shown_on_the_page(
    by: Call, path: str, secret: Update
) -> None:
    """204, again 204, the first time stands."""
    call = f"/api/updates/{secret.pk}/acknowledge"
    assert by(ANALYST).post(call).said == (204, None)
    at = Receipt.objects.get().at
    assert by(ANALYST).post(f"{call}/", {}).said == (204, None)
    assert Receipt.objects.get().at == at
    assert by(ANALYST).get(path).json["acknowledged"] == [str(secret.pk)]
    assert by(HANDLER).get(path).json["acknowledged"] == []


def test_an_acknowledgement_that_nobody_asked_for_is_invalid(by: Call, path: str) -> None:
    """400; with fields in the body as well."""
    update = fill(by, path, 1)[0]
    call = f"/api/updates/{update}/acknowledge"
    assert by(ANALYST).post(call).said == (400, "invalid")
    assert by(ANALYST).post(call, {"at": "now"}).json["field"] == "at"


def test_receipts_are_of_those_who_must_acknowledge(by: Call, cast: Cast, secret: Update) -> None:
    """Active members but the author who may see it; for author, handler, director."""
    expected: list[dict[str, Any]] = [
        {"agent": {"codename": ANALYST.codename, "role": "analyst"}, "at": None}
    ]
    call = f"/api/updates/{secret.pk}/receipts"
    for member in (HANDLER, DIRECTOR):
        assert by(member).get(call).json == expected
    by(ANALYST).post(f"/api/updates/{secret.pk}/acknowledge")
    answered = by(HANDLER).get(f"{call}/").json
    assert answered[0]["at"].endswith("Z")
    assert by(ANALYST).get(call).said == (403, "forbidden")
    services.change_mission(cast[HANDLER], secret.mission_id, status=Status.COMPLETED)
    assert by(HANDLER).get(call).json == answered


def test_an_author_reads_the_receipts_of_its_own_update(by: Call, path: str) -> None:
    """Also an operative; the others of its role do not."""
    sent = by(OPERATIVE).post(path, {**MESSAGE, "requires_ack": True}).json["id"]
    receipts = by(OPERATIVE).get(f"/api/updates/{sent}/receipts").json
    assert [one["agent"]["codename"] for one in receipts] == sorted(
        [HANDLER.codename, ANALYST.codename]
    )
