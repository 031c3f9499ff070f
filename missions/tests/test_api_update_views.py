"""A mission's log over REST: publishing, pages, receipts, and what those get who may not."""

from typing import Any

import pytest

from missions import services
from missions.models import Mission, Receipt, Update
from missions.protocol import Status
from missions.tests.caller import MESSAGE, NOBODY, fill, unknown_ids
from missions.tests.conftest import Call, Cast
from tests.cast import ANALYST, DIRECTOR, HANDLER, NOVICE, OPERATIVE, OUTSIDER, Member

CALLS = [("GET", ""), ("PATCH", ""), ("DELETE", ""), ("POST", "/acknowledge"), ("GET", "/receipts")]


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
    update = fill(by(HANDLER), path, 1)[0]
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
