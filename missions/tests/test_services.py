"""Writes: who may do what to a mission, told apart from what does not exist."""

import uuid
from dataclasses import replace

import pytest

from agents.errors import Forbidden, HQError, Invalid, NotFound
from agents.models import Agent
from agents.roles import Clearance, Role
from missions import services
from missions.drafts import Draft
from missions.errors import Conflict, MissionClosed
from missions.models import Assignment, Mission, Receipt, Update
from missions.protocol import Kind, Status
from tests.cast import ANALYST, DIRECTOR, HANDLER, NOVICE, OPERATIVE, OUTSIDER, Member

Cast = dict[Member, Agent]
SAID = Draft(kind=Kind.MESSAGE, body="said")


@pytest.fixture
def mission(cast: Cast) -> Mission:
    """A confidential mission of the handler; the novice is a member who is cleared too low."""
    made = services.create_mission(cast[HANDLER], "Harbour", "Watch.", Clearance.CONFIDENTIAL)
    for member in (ANALYST, OPERATIVE, NOVICE):
        services.add_member(cast[HANDLER], made.pk, cast[member].pk)
    return made


def revisions(*agents: Agent) -> list[int]:
    """Their access revisions as they are now."""
    return [Agent.objects.get(pk=agent.pk).access_revision for agent in agents]


# Publishing.


@pytest.mark.parametrize("author", [DIRECTOR, HANDLER, ANALYST, OPERATIVE])
def test_members_and_directors_publish(cast: Cast, mission: Mission, author: Member) -> None:
    """At the mission's classification unless they say otherwise, under their own name."""
    update = services.publish(cast[author], mission.pk, SAID)
    assert Clearance(update.classification) is Clearance.CONFIDENTIAL
    assert (update.author_codename, update.author_role) == (author.codename, author.role.value)


@pytest.mark.parametrize("author", [OUTSIDER, NOVICE])
def test_to_others_the_mission_does_not_exist(cast: Cast, mission: Mission, author: Member) -> None:
    """Not assigned, or cleared too low: as for an id that nothing has."""
    for key in (mission.pk, str(mission.pk), uuid.uuid4(), "no id"):
        with pytest.raises(NotFound):
            services.publish(cast[author], key, SAID)
    assert not Update.objects.exists()


@pytest.mark.parametrize("kind", [Kind.ORDER, Kind.STATUS])
def test_orders_and_status_are_for_handlers_and_directors(
    cast: Cast, mission: Mission, kind: Kind
) -> None:
    """Analysts and operatives are refused."""
    draft = replace(SAID, kind=kind)
    for author in (DIRECTOR, HANDLER):
        services.publish(cast[author], mission.pk, draft)
    for author in (ANALYST, OPERATIVE):
        with pytest.raises(Forbidden):
            services.publish(cast[author], mission.pk, draft)


def test_a_classification_lies_between_the_missions_and_the_authors(
    cast: Cast, mission: Mission
) -> None:
    """Both ends included."""
    good = (Clearance.CONFIDENTIAL, Clearance.SECRET)
    for classification in Clearance:
        draft = replace(SAID, classification=classification)
        if classification in good:
            services.publish(cast[ANALYST], mission.pk, draft)
        else:
            with pytest.raises(Forbidden):
                services.publish(cast[ANALYST], mission.pk, draft)


def test_who_writes_for_others_does_not_see_it_in_the_stream(cast: Cast, mission: Mission) -> None:
    """The author is no exception to the rule, and it is stored all the same."""
    draft = replace(SAID, roles=frozenset({Role.HANDLER}))
    update = services.publish(cast[OPERATIVE], mission.pk, draft)
    assert update.author_id == cast[OPERATIVE].pk


@pytest.mark.parametrize("status", [Status.COMPLETED, Status.ABORTED])
def test_a_closed_mission_takes_no_updates(cast: Cast, mission: Mission, status: Status) -> None:
    """And says so to who sees it."""
    services.change_mission(cast[HANDLER], mission.pk, status=status)
    with pytest.raises(MissionClosed):
        services.publish(cast[ANALYST], mission.pk, SAID)
    services.change_mission(cast[HANDLER], mission.pk, status=Status.ACTIVE)
    services.publish(cast[ANALYST], mission.pk, SAID)


def test_rights_are_those_of_now(cast: Cast, mission: Mission) -> None:
    """An agent as it was read at login has no say about what it may do now."""
    stale = cast[ANALYST]
    Agent.objects.filter(pk=stale.pk).update(clearance=Clearance.RESTRICTED.value)
    with pytest.raises(NotFound):
        services.publish(stale, mission.pk, SAID)
    Agent.objects.filter(pk=stale.pk).update(clearance=4, is_active=False)
    with pytest.raises(NotFound):
        services.publish(stale, mission.pk, SAID)


# Retries.


def test_a_repeat_is_the_same_update(cast: Cast, mission: Mission) -> None:
    """Also after the mission was closed: the author only learns what happened."""
    draft = replace(SAID, client_id="once")
    first = services.publish(cast[ANALYST], mission.pk, draft)
    services.change_mission(cast[HANDLER], mission.pk, status=Status.COMPLETED)
    assert services.publish(cast[ANALYST], mission.pk, draft) == first
    assert Update.objects.count() == 1


@pytest.mark.parametrize(
    "other",
    [
        {"body": "other"},
        {"kind": Kind.REPORT},
        {"data": {"x": 1}},
        {"roles": frozenset({Role.ANALYST})},
        {"classification": Clearance.SECRET},
        {"requires_ack": True},
    ],
)
def test_other_content_under_the_same_client_id_is_a_conflict(
    cast: Cast, mission: Mission, other: dict[str, object]
) -> None:
    """Nothing is stored, nothing is changed."""
    draft = replace(SAID, client_id="once")
    services.publish(cast[ANALYST], mission.pk, draft)
    with pytest.raises(Conflict):
        services.publish(cast[ANALYST], mission.pk, replace(draft, **other))  # type: ignore[arg-type]
    assert Update.objects.count() == 1


def test_a_client_id_is_the_authors_and_the_missions(cast: Cast, mission: Mission) -> None:
    """Others may use the same, and so may the author elsewhere."""
    draft = replace(SAID, client_id="once")
    elsewhere = services.create_mission(cast[HANDLER], "Quay", "", Clearance.CONFIDENTIAL)
    updates = {
        services.publish(cast[HANDLER], mission.pk, draft),
        services.publish(cast[ANALYST], mission.pk, draft),
        services.publish(cast[HANDLER], elsewhere.pk, draft),
    }
    assert len(updates) == 3


# Missions and members.


@pytest.mark.parametrize("creator", [DIRECTOR, HANDLER])
def test_handlers_and_directors_create_missions(cast: Cast, creator: Member) -> None:
    """Planned, with the creator as the first member, and seen by nobody else but directors."""
    made = services.create_mission(cast[creator], "Quay", "", Clearance.SECRET)
    assert made.status == Status.PLANNED.value
    assert [one.agent for one in made.assignments.all()] == [cast[creator]]


@pytest.mark.parametrize("creator", [ANALYST, OPERATIVE, OUTSIDER])
def test_nobody_else_creates_missions(cast: Cast, creator: Member) -> None:
    """However high the clearance."""
    with pytest.raises(Forbidden):
        services.create_mission(cast[creator], "Quay", "", Clearance.RESTRICTED)


def test_no_mission_is_above_its_creator_or_changer(cast: Cast, mission: Mission) -> None:
    """The classification is at most the own clearance."""
    with pytest.raises(Forbidden):
        services.create_mission(cast[HANDLER], "Quay", "", Clearance.TOP_SECRET)
    with pytest.raises(Forbidden):
        services.change_mission(cast[HANDLER], mission.pk, classification=Clearance.TOP_SECRET)


@pytest.mark.parametrize("codename", ["", "   ", "x" * 81, "a\x00b"])
def test_a_codename_is_1_to_80_characters(cast: Cast, mission: Mission, codename: str) -> None:
    """Of text, not of blanks."""
    with pytest.raises(Invalid) as refused:
        services.create_mission(cast[HANDLER], codename, "", Clearance.RESTRICTED)
    assert refused.value.field == "codename"
    with pytest.raises(Invalid):
        services.change_mission(cast[HANDLER], mission.pk, codename=codename)


@pytest.mark.parametrize(
    ("changer", "error"),
    [(ANALYST, Forbidden), (OPERATIVE, Forbidden), (NOVICE, NotFound), (OUTSIDER, NotFound)],
)
def test_who_does_not_staff_changes_nothing(
    cast: Cast, mission: Mission, changer: Member, error: type[HQError]
) -> None:
    """Members are forbidden, to others it does not exist."""
    with pytest.raises(error):
        services.change_mission(cast[changer], mission.pk, codename="Other")
    with pytest.raises(error):
        services.add_member(cast[changer], mission.pk, cast[OUTSIDER].pk)
    with pytest.raises(error):
        services.remove_member(cast[changer], mission.pk, cast[ANALYST].pk)


def test_adding_twice_is_adding_once(cast: Cast, mission: Mission) -> None:
    """The second time says so."""
    assert services.add_member(cast[HANDLER], mission.pk, cast[OUTSIDER].pk)[1] is True
    assert services.add_member(cast[HANDLER], mission.pk, cast[OUTSIDER].pk)[1] is False
    assert Assignment.objects.filter(mission=mission, agent=cast[OUTSIDER]).count() == 1


def test_only_active_agents_are_added(cast: Cast, mission: Mission) -> None:
    """A disabled account, an unknown id and no id at all are not found."""
    Agent.objects.filter(pk=cast[OUTSIDER].pk).update(is_active=False)
    for key in (cast[OUTSIDER].pk, uuid.uuid4(), "nobody"):
        with pytest.raises(NotFound):
            services.add_member(cast[HANDLER], mission.pk, key)


def test_a_removed_member_is_out(cast: Cast, mission: Mission) -> None:
    """At once, and removing again finds nothing."""
    services.remove_member(cast[HANDLER], mission.pk, cast[ANALYST].pk)
    with pytest.raises(NotFound):
        services.publish(cast[ANALYST], mission.pk, SAID)
    with pytest.raises(NotFound):
        services.remove_member(cast[HANDLER], mission.pk, cast[ANALYST].pk)


def test_what_changes_sight_raises_the_revisions(cast: Cast, mission: Mission) -> None:
    """Of the mission and of those concerned, and of nobody else."""
    for change in (
        lambda: services.remove_member(cast[HANDLER], mission.pk, cast[ANALYST].pk),
        lambda: services.add_member(cast[HANDLER], mission.pk, cast[ANALYST].pk),
        lambda: services.change_mission(cast[HANDLER], mission.pk, codename="Pier"),
    ):
        mission.refresh_from_db()
        of_mission = mission.access_revision
        (concerned, bystander) = revisions(cast[ANALYST], cast[OUTSIDER])
        change()
        mission.refresh_from_db()
        assert mission.access_revision > of_mission
        assert revisions(cast[ANALYST])[0] > concerned
        assert revisions(cast[OUTSIDER]) == [bystander]


# Receipts.


def test_the_first_acknowledgement_stands(cast: Cast, mission: Mission) -> None:
    """Again is as good, and changes nothing."""
    order = services.publish(cast[HANDLER], mission.pk, replace(SAID, requires_ack=True))
    services.acknowledge(cast[ANALYST], order.pk)
    at = Receipt.objects.get().at
    services.acknowledge(cast[ANALYST], str(order.pk))
    assert Receipt.objects.get().at == at


def test_only_what_asks_is_acknowledged_by_who_sees_it(cast: Cast, mission: Mission) -> None:
    """`Invalid` where none is asked; not found for who may not see it."""
    plain = services.publish(cast[HANDLER], mission.pk, SAID)
    hidden = services.publish(
        cast[HANDLER],
        mission.pk,
        replace(SAID, requires_ack=True, roles=frozenset({Role.HANDLER})),
    )
    with pytest.raises(Invalid):
        services.acknowledge(cast[ANALYST], plain.pk)
    for agent, key in ((ANALYST, hidden.pk), (OUTSIDER, plain.pk), (ANALYST, uuid.uuid4())):
        with pytest.raises(NotFound):
            services.acknowledge(cast[agent], key)
    assert not Receipt.objects.exists()
