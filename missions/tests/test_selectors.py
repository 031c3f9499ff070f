"""Reads of missions, members, updates and receipts: found where the rule says, else not found.

That the querysets are the rule is in `test_audiences`.
"""

import uuid

import pytest

from agents.errors import Forbidden, NotFound
from agents.models import Agent
from agents.protocol import AgentName
from agents.roles import Clearance, Role
from missions import selectors, services
from missions.drafts import Draft
from missions.models import Mission
from missions.protocol import Kind
from tests.cast import ANALYST, DIRECTOR, HANDLER, NOVICE, OPERATIVE, OUTSIDER, Member

Cast = dict[Member, Agent]
ORDER = Draft(kind=Kind.ORDER, body="Confirm.", requires_ack=True)


@pytest.fixture
def mission(cast: Cast) -> Mission:
    """A confidential mission; the novice is a member who is cleared too low."""
    made = services.create_mission(cast[HANDLER], "Harbour", "", Clearance.CONFIDENTIAL)
    for member in (ANALYST, OPERATIVE, NOVICE):
        services.add_member(cast[HANDLER], made.pk, cast[member].pk)
    return made


@pytest.mark.parametrize("text", ["", "x", "0" * 32, "{}", "1", "\x00"])
def test_what_is_no_id_is_not_found(text: str) -> None:
    """An id is a lower-case UUID string and nothing that can be read as one."""
    known = uuid.uuid4()
    assert selectors.parsed_id(str(known)) == selectors.parsed_id(known) == known
    for one in (text, str(known).upper() + text, known.hex, f"{{{known}}}"):
        with pytest.raises(NotFound):
            selectors.parsed_id(one)


def test_a_mission_is_found_by_who_may_enter(cast: Cast, mission: Mission) -> None:
    """By members cleared for it and by directors."""
    for member in (DIRECTOR, HANDLER, ANALYST, OPERATIVE):
        assert selectors.mission_for(cast[member], str(mission.pk)) == mission
    for member in (NOVICE, OUTSIDER):
        with pytest.raises(NotFound):
            selectors.mission_for(cast[member], mission.pk)


def test_members_are_listed_to_who_sees_the_mission(cast: Cast, mission: Mission) -> None:
    """By codename; whoever is cleared too low is a member all the same."""
    listed = [agent.codename for agent in selectors.members_of(cast[OPERATIVE], mission.pk)]
    expected = (HANDLER, ANALYST, OPERATIVE, NOVICE)
    assert listed == sorted(member.codename for member in expected)
    with pytest.raises(NotFound):
        selectors.members_of(cast[OUTSIDER], mission.pk)


def test_candidates_are_for_who_staffs(cast: Cast) -> None:
    """Active agents whose codename has every word, in any case."""
    everybody = selectors.staff_candidates(cast[HANDLER], "")
    assert {agent.pk for agent in everybody} == {agent.pk for agent in cast.values()}
    assert selectors.staff_candidates(cast[HANDLER], "RIS p") == [cast[ANALYST]]
    assert selectors.staff_candidates(cast[HANDLER], "%") == []
    Agent.objects.filter(pk=cast[ANALYST].pk).update(is_active=False)
    assert selectors.staff_candidates(cast[HANDLER], "prism") == []
    for member in (ANALYST, OPERATIVE, OUTSIDER):
        with pytest.raises(Forbidden):
            selectors.staff_candidates(cast[member], "")


def test_an_update_is_found_by_its_audience_and_its_author(cast: Cast, mission: Mission) -> None:
    """The author also where the roles leave it out."""
    draft = Draft(kind=Kind.REPORT, body="x", roles=frozenset({Role.HANDLER}))
    update = services.publish(cast[OPERATIVE], mission.pk, draft)
    for member in (DIRECTOR, HANDLER, OPERATIVE):
        assert selectors.update_for(cast[member], update.pk) == update
    for member in (ANALYST, NOVICE, OUTSIDER):
        with pytest.raises(NotFound):
            selectors.update_for(cast[member], update.pk)


def test_an_author_who_lost_the_mission_has_lost_its_updates(cast: Cast, mission: Mission) -> None:
    """Only the role filter is waived for authors."""
    update = services.publish(cast[ANALYST], mission.pk, Draft(kind=Kind.REPORT, body="x"))
    services.remove_member(cast[HANDLER], mission.pk, cast[ANALYST].pk)
    with pytest.raises(NotFound):
        selectors.update_for(cast[ANALYST], update.pk)


def test_receipts_are_over_those_who_must_and_can(cast: Cast, mission: Mission) -> None:
    """Active members who see the update, without its author; nobody's clearance shows."""
    update = services.publish(cast[HANDLER], mission.pk, ORDER)
    services.acknowledge(cast[ANALYST], update.pk)
    receipts = dict(selectors.receipts_of(cast[HANDLER], update.pk))
    assert set(receipts) == {
        AgentName(member.codename, member.role.value) for member in (ANALYST, OPERATIVE)
    }
    assert receipts[AgentName(ANALYST.codename, "analyst")] is not None
    assert receipts[AgentName(OPERATIVE.codename, "field-operative")] is None
    Agent.objects.filter(pk=cast[OPERATIVE].pk).update(is_active=False)
    assert len(selectors.receipts_of(cast[DIRECTOR], update.pk)) == 1


def test_receipts_are_for_author_handler_and_director(cast: Cast, mission: Mission) -> None:
    """Others who see the update may not look, and to the rest it does not exist."""
    update = services.publish(cast[HANDLER], mission.pk, ORDER)
    with pytest.raises(Forbidden):
        selectors.receipts_of(cast[ANALYST], update.pk)
    with pytest.raises(NotFound):
        selectors.receipts_of(cast[OUTSIDER], update.pk)
