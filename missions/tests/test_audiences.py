"""The one rule: its three forms agree over everything that can be combined.

`sees` restates the rule of the documentation in plain words, independently of the code; the
predicate, the streams and the querysets must each agree with it.
"""

import itertools

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from agents.models import Agent
from agents.roles import Clearance, Role, Viewer
from missions import audiences, selectors, services
from missions.audiences import Audience, Looker
from missions.drafts import Draft
from missions.models import Mission, Update, seq_column
from missions.protocol import Kind
from tests.cast import DIRECTOR, OUTSIDER, Member

ROLE_SETS = tuple(
    frozenset(named)
    for size in range(len(Role) + 1)
    for named in itertools.combinations(Role, size)
)
AUDIENCES = tuple(Audience(*pair) for pair in itertools.product(Clearance, ROLE_SETS))
LOOKERS = tuple(
    Looker(Viewer(role, clearance), assigned, active)
    for role, clearance, assigned, active in itertools.product(
        Role, Clearance, (True, False), (True, False)
    )
)


def enters(looker: Looker, mission: Clearance) -> bool:
    """Active, assigned or a director, and cleared for the mission."""
    if not looker.active or looker.viewer.clearance.value < mission.value:
        return False
    return looker.assigned or looker.viewer.role == "director"


def sees(looker: Looker, mission: Clearance, update: Audience) -> bool:
    """Enters, is cleared for the update, and is meant by its roles or directs."""
    if not enters(looker, mission):
        return False
    if looker.viewer.clearance.value < update.classification.value:
        return False
    everybody = len(update.roles) == 0
    return everybody or looker.viewer.role in update.roles or looker.viewer.role == "director"


@pytest.mark.parametrize("mission", Clearance)
def test_the_predicate_is_the_rule(mission: Clearance) -> None:
    """`can_see` and `may_enter` say what the documentation says, for every combination."""
    for looker in LOOKERS:
        assert audiences.may_enter(looker, mission) is enters(looker, mission)
        for audience in AUDIENCES:
            assert audiences.can_see(looker, mission, audience) is sees(looker, mission, audience)


def test_the_streams_are_the_rule() -> None:
    """An update goes to exactly the streams of the viewers who may see it."""
    for audience in AUDIENCES:
        meant = {
            audiences.stream_for(viewer)
            for viewer in audiences.VIEWERS
            if sees(Looker(viewer, assigned=True), Clearance.RESTRICTED, audience)
        }
        assert set(audiences.streams_of(audience)) == meant
        assert audiences.streams_of(audience), "A top-secret director sees everything."


def test_sixteen_viewers_have_sixteen_streams() -> None:
    """No two viewer classes share a stream, and none is left over."""
    assert [audiences.stream_for(viewer) for viewer in audiences.VIEWERS] == [*audiences.STREAMS]
    assert len(audiences.STREAMS) == 16


def test_an_author_may_review_what_only_its_role_hides() -> None:
    """`may_review` waives the role filter and nothing else."""
    for looker, mission, audience in itertools.product(LOOKERS, Clearance, AUDIENCES):
        for_all = Audience(audience.classification)
        assert audiences.may_review(looker, mission, audience) is sees(looker, mission, for_all)


@pytest.mark.parametrize("roles", ROLE_SETS, ids=lambda roles: "+".join(sorted(roles)) or "all")
def test_a_mask_holds_its_roles(roles: frozenset[Role]) -> None:
    """What is stored with an update is what was said."""
    assert audiences.roles_from(audiences.roles_mask(roles)) == roles


Published = dict[Mission, dict[Update, Audience]]


@pytest.fixture
def published(cast: dict[Member, Agent]) -> Published:
    """A mission of every classification, with an update for every audience it can have."""
    director = cast[DIRECTOR]
    log: Published = {}
    for classification in Clearance:
        mission = services.create_mission(director, classification.wire, "", classification)
        log[mission] = {
            services.publish(
                director,
                mission.pk,
                Draft(
                    kind=Kind.MESSAGE,
                    body="audience",
                    classification=audience.classification,
                    roles=audience.roles,
                ),
            ): audience
            for audience in AUDIENCES
            if audience.classification >= classification
        }
    return log


def enlisted(looker: Looker, director: Agent, missions: Published) -> Agent:
    """An agent of that standing towards every mission."""
    name = f"{looker.viewer.role}-{looker.viewer.clearance}-{looker.assigned}-{looker.active}"
    agent = Agent.objects.create_user(
        name, codename=name, role=looker.viewer.role, clearance=looker.viewer.clearance
    )
    if looker.assigned:
        for mission in missions:
            services.add_member(director, mission.pk, agent.pk)
    agent.is_active = looker.active
    agent.save()
    return agent


def test_the_querysets_are_the_rule(published: Published, cast: dict[Member, Agent]) -> None:
    """`visible_missions` and `visible_updates` give every agent exactly what the rule gives it."""
    for looker in LOOKERS:
        agent = enlisted(looker, cast[DIRECTOR], published)
        entered = {mission for mission in published if enters(looker, classification_of(mission))}
        assert set(selectors.visible_missions(agent)) == entered
        seen = {
            update
            for mission, updates in published.items()
            for update, audience in updates.items()
            if sees(looker, classification_of(mission), audience)
        }
        assert set(selectors.visible_updates(agent)) == seen
        for mission, updates in published.items():
            assert set(selectors.visible_updates(agent, mission)) == seen & updates.keys()


def test_the_outsider_sees_nothing(published: Published, cast: dict[Member, Agent]) -> None:
    """Cleared for everything, assigned to nothing."""
    assert not selectors.visible_missions(cast[OUTSIDER]).exists()
    assert not selectors.visible_updates(cast[OUTSIDER]).exists()


def test_an_update_is_numbered_in_its_streams_alone(published: Published) -> None:
    """A number in each stream that may see the update, none elsewhere, and no hole."""
    for mission, updates in published.items():
        rows = list(mission.updates.order_by("position"))
        for row in rows:
            numbered = {s for s in audiences.STREAMS if getattr(row, seq_column(s)) is not None}
            assert numbered == set(audiences.streams_of(updates[row]))
        mission.refresh_from_db()
        for stream in audiences.STREAMS:
            numbers = [getattr(row, seq_column(stream)) for row in rows]
            given = [number for number in numbers if number is not None]
            assert given == list(range(1, mission.numbers[stream] + 1))


def test_own_updates_are_reviewed_by_the_rule(
    published: Published, cast: dict[Member, Agent]
) -> None:
    """`reviewable_updates` is `may_review` of what one wrote, at whatever rights one has now."""
    director = cast[DIRECTOR]
    for viewer, assigned in itertools.product(audiences.VIEWERS, (True, False)):
        author = Agent.objects.get(pk=director.pk)
        author.role, author.clearance = viewer.role, viewer.clearance
        author.save()
        author.assignments.all().delete()
        if assigned:
            for mission in published:
                author.assignments.create(mission=mission)
        looker = Looker(viewer, assigned)
        expected = {
            update
            for mission, updates in published.items()
            for update, audience in updates.items()
            if sees(looker, classification_of(mission), Audience(audience.classification))
        }
        assert set(selectors.reviewable_updates(author)) == expected


def classification_of(mission: Mission) -> Clearance:
    """As the rule wants it."""
    return Clearance(mission.classification)


def test_what_is_hidden_costs_no_query(published: Published, cast: dict[Member, Agent]) -> None:
    """The queryset form is one query, however many missions and updates there are."""
    with CaptureQueriesContext(connection) as queries:
        list(selectors.visible_updates(cast[OUTSIDER]))
    assert len(queries) == 1
