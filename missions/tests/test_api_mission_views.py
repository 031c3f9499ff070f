"""Missions, members and candidates over REST: who gets what, and what the others get."""

import pytest

from agents.models import Agent
from agents.roles import Clearance
from missions import services
from missions.models import Mission
from missions.tests.caller import NOBODY, unknown_ids
from missions.tests.conftest import Call, Cast
from tests.cast import ANALYST, DIRECTOR, HANDLER, NOVICE, OPERATIVE, OUTSIDER, Member

NEW = {"codename": "Harbour Watch", "objective": "", "classification": "secret"}


def shown(mission: Mission) -> dict[str, str]:
    """The mission object of the contract."""
    return {
        "id": str(mission.pk),
        "codename": mission.codename,
        "objective": mission.objective,
        "status": mission.status,
        "classification": Clearance(mission.classification).wire,
    }


@pytest.mark.parametrize("member", [DIRECTOR, HANDLER, ANALYST, OPERATIVE])
@pytest.mark.parametrize("slash", ["", "/"])
def test_who_may_enter_sees_the_mission_and_nothing_but_its_five_fields(
    by: Call, mission: Mission, member: Member, slash: str
) -> None:
    """By list and by id, with and without a trailing slash."""
    assert by(member).get(f"/api/missions{slash}").json == [shown(mission)]
    assert by(member).get(f"/api/missions/{mission.pk}{slash}").json == shown(mission)


@pytest.mark.parametrize("member", [NOVICE, OUTSIDER])
def test_who_may_not_enter_is_told_the_same_as_of_what_does_not_exist(
    by: Call, cast: Cast, mission: Mission, member: Member
) -> None:
    """Every call, every id that is no visible one: one status, one body."""
    caller = by(member)
    assert caller.get("/api/missions").json == []
    calls = [
        ("GET", "", None),
        ("PATCH", "", {"codename": "x"}),
        ("GET", "/members", None),
        ("POST", "/members", {"agent": str(cast[DIRECTOR].pk)}),
        ("DELETE", f"/members/{cast[ANALYST].pk}", None),
        ("GET", "/updates", None),
        ("POST", "/updates", {"kind": "message", "body": "x"}),
    ]
    answers = {
        (answer.status, answer.body)
        for method, rest, content in calls
        for mission_id in unknown_ids(mission.pk)
        for answer in [caller(method, f"/api/missions/{mission_id}{rest}", content)]
    }
    assert answers == {(404, b'{"code":"not_found","message":"Not found."}')}
    assert Mission.objects.get().codename == "Cold Lantern"
    assert mission.assignments.count() == 4


@pytest.mark.parametrize("member", [HANDLER, DIRECTOR])
def test_handler_and_director_create_missions_and_are_on_them(
    by: Call, cast: Cast, member: Member
) -> None:
    """201 with the mission, planned; the creator is its member."""
    answer = by(member).post("/api/missions", NEW)
    assert answer.status == 201
    assert answer.json == {**NEW, "id": answer.json["id"], "status": "planned"}
    members = by(member).get(f"/api/missions/{answer.json['id']}/members").json
    assert [one["id"] for one in members] == [str(cast[member].pk)]


@pytest.mark.parametrize("member", [ANALYST, OPERATIVE, OUTSIDER])
def test_nobody_else_creates_missions(by: Call, member: Member) -> None:
    """403, and there is none."""
    assert by(member).post("/api/missions", NEW).said == (403, "forbidden")
    assert not Mission.objects.exists()


def test_no_mission_is_classified_above_its_creator(by: Call) -> None:
    """403."""
    content = {**NEW, "classification": "top-secret"}
    assert by(HANDLER).post("/api/missions", content).said == (403, "forbidden")


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"codename": ""}, "codename"),
        ({"codename": "  "}, "codename"),
        ({"codename": "x" * 81}, "codename"),
        ({"codename": 7}, "codename"),
        ({"codename": None}, "codename"),
        ({"objective": "x" * 2001}, "objective"),
        ({"classification": 3}, "classification"),
        ({"classification": "Secret"}, "classification"),
        ({"status": "active"}, "status"),
        ({"id": NOBODY}, "id"),
        ({"created_by": "me"}, "created_by"),
        ({"members": []}, "members"),
    ],
)
def test_a_new_mission_is_read_strictly(by: Call, change: dict[str, object], field: str) -> None:
    """400 naming the field: wrong types, lengths and names, fields that only the server writes."""
    answer = by(HANDLER).post("/api/missions", {**NEW, **change})
    assert (answer.status, answer.json["code"], answer.json["field"]) == (400, "invalid", field)
    assert not Mission.objects.exists()


@pytest.mark.parametrize("missing", list(NEW))
def test_a_new_mission_needs_all_its_fields(by: Call, missing: str) -> None:
    """400 naming what is missing."""
    content = {name: value for name, value in NEW.items() if name != missing}
    assert by(HANDLER).post("/api/missions", content).json["field"] == missing


@pytest.mark.parametrize("member", [HANDLER, DIRECTOR])
def test_handler_and_director_change_what_they_name(
    by: Call, mission: Mission, member: Member
) -> None:
    """The rest stays."""
    path = f"/api/missions/{mission.pk}"
    answer = by(member)("PATCH", path, {"status": "completed", "objective": "Found."})
    assert answer.status == 200
    assert answer.json == {**shown(mission), "status": "completed", "objective": "Found."}
    assert by(member)("PATCH", path, {}).json == answer.json


def test_who_sees_a_mission_without_the_right_to_change_it_is_forbidden(
    by: Call, cast: Cast, mission: Mission
) -> None:
    """403 for the analyst on every change of the mission and its members."""
    path = f"/api/missions/{mission.pk}"
    caller = by(ANALYST)
    agent = {"agent": str(cast[OUTSIDER].pk)}
    assert caller("PATCH", path, {"codename": "Mine"}).said == (403, "forbidden")
    assert caller.post(f"{path}/members", agent).said == (403, "forbidden")
    assert caller("DELETE", f"{path}/members/{cast[NOVICE].pk}").said == (403, "forbidden")
    assert caller.get("/api/missions").json == [shown(mission)]


def test_a_mission_reclassified_above_a_member_is_gone_for_that_member(
    by: Call, mission: Mission
) -> None:
    """The operative gets 404 at once; the analyst still reads it."""
    path = f"/api/missions/{mission.pk}"
    assert by(OPERATIVE).get(path).status == 200
    assert by(HANDLER)("PATCH", path, {"classification": "secret"}).status == 200
    assert by(OPERATIVE).get(path).said == (404, "not_found")
    assert by(ANALYST).get(path).status == 200


def test_members_are_shown_by_name_and_to_who_staffs_with_their_id(
    by: Call, cast: Cast, mission: Mission
) -> None:
    """Nobody's clearance is shown to anybody."""
    path = f"/api/missions/{mission.pk}/members"
    names = [
        {"codename": member.codename, "role": member.role.value}
        for member in sorted((HANDLER, ANALYST, OPERATIVE, NOVICE), key=lambda who: who.codename)
    ]
    assert by(OPERATIVE).get(path).json == names
    ids = {member.codename: str(agent.pk) for member, agent in cast.items()}
    assert by(HANDLER).get(path).json == [{"id": ids[name["codename"]], **name} for name in names]


def test_a_member_is_added_once_and_taken_off_again(by: Call, cast: Cast, mission: Mission) -> None:
    """201, then 200; 204, then 404; each time the agent sees at once what it may."""
    path = f"/api/missions/{mission.pk}/members"
    drifter = cast[OUTSIDER]
    expected = {"id": str(drifter.pk), "codename": "Drifter", "role": "analyst"}
    assert by(HANDLER).post(path, {"agent": str(drifter.pk)}).said == (201, expected)
    assert by(HANDLER).post(f"{path}/", {"agent": str(drifter.pk)}).said == (200, expected)
    assert by(OUTSIDER).get("/api/missions").json == [shown(mission)]
    assert by(HANDLER)("DELETE", f"{path}/{drifter.pk}").said == (204, None)
    assert by(OUTSIDER).get("/api/missions").json == []
    assert by(HANDLER)("DELETE", f"{path}/{drifter.pk}").said == (404, "not_found")


def test_nobody_unknown_or_disabled_becomes_a_member(
    by: Call, cast: Cast, mission: Mission
) -> None:
    """An id of nobody and of a disabled agent get one answer; what is no id is invalid."""
    path = f"/api/missions/{mission.pk}/members"
    Agent.objects.filter(pk=cast[OUTSIDER].pk).update(is_active=False)
    nobody = by(HANDLER).post(path, {"agent": NOBODY})
    disabled = by(HANDLER).post(path, {"agent": str(cast[OUTSIDER].pk)})
    assert nobody.said == (404, "not_found")
    assert disabled.body == nobody.body
    for wrong in ("nonsense", 7, None, str(cast[OUTSIDER].pk).upper(), cast[OUTSIDER].pk.hex):
        answer = by(HANDLER).post(path, {"agent": wrong})
        assert (answer.said, answer.json["field"]) == ((400, "invalid"), "agent")


@pytest.mark.parametrize("member", [DIRECTOR, HANDLER])
def test_who_staffs_finds_active_agents_by_a_part_of_the_codename(
    by: Call, cast: Cast, member: Member
) -> None:
    """In any case, without a clearance; all of them without a search."""
    found = by(member).get("/api/agents", search="iSm").json
    assert found == [{"id": str(cast[ANALYST].pk), "codename": "Prism", "role": "analyst"}]
    assert len(by(member).get("/api/agents/").json) == 6
    Agent.objects.filter(pk=cast[ANALYST].pk).update(is_active=False)
    assert by(member).get("/api/agents", search="Prism").json == []


@pytest.mark.parametrize("member", [ANALYST, OPERATIVE, OUTSIDER])
def test_nobody_else_looks_for_agents(by: Call, member: Member) -> None:
    """403, whoever is searched."""
    assert by(member).get("/api/agents", search="Prism").said == (403, "forbidden")


def test_the_search_is_read_strictly(by: Call) -> None:
    """400 naming what is unknown, twice there, or too long."""
    assert by(HANDLER).get("/api/agents", clearance="secret").json["field"] == "clearance"
    assert by(HANDLER).get("/api/agents", search=["a", "b"]).json["field"] == "search"
    assert by(HANDLER).get("/api/agents", search="x" * 65).json["field"] == "search"
    assert by(HANDLER).get("/api/agents", search="\0").said == (400, "invalid")


def test_missions_are_listed_by_codename_then_id(by: Call, cast: Cast) -> None:
    """Codenames are not unique."""
    for codename in ("b", "a", "b"):
        services.create_mission(cast[HANDLER], codename, "", Clearance.SECRET)
    listed = [(one["codename"], one["id"]) for one in by(HANDLER).get("/api/missions").json]
    assert [codename for codename, _ in listed] == ["a", "b", "b"]
    assert listed == sorted(listed)
