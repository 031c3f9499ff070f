"""What changes the past of a log: who notices, who does not, and that numbers stay dense."""

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agents.errors import Forbidden, NotFound
from agents.models import Agent
from agents.roles import Clearance, Role
from missions import audiences, changes, history, revisions, selectors, services
from missions.audiences import STREAMS, VIEWERS, Audience
from missions.drafts import Draft
from missions.errors import Conflict
from missions.models import Mission, Update, seq_column
from missions.protocol import Kind

pytestmark = pytest.mark.django_db


@pytest.fixture
def director(db: None) -> Agent:
    return _agent("dee", Role.DIRECTOR, Clearance.TOP_SECRET)


@pytest.fixture
def mission(director: Agent) -> Mission:
    return services.create_mission(director, "Test", "", Clearance.RESTRICTED)


def _agent(name: str, role: Role, clearance: Clearance) -> Agent:
    return Agent.objects.create_user(name, codename=name, role=role.value, clearance=clearance)


def _say(
    agent: Agent,
    mission: Mission,
    classification: Clearance = Clearance.RESTRICTED,
    roles: frozenset[Role] = frozenset(),
    **fields: Any,
) -> Update:
    draft = Draft(
        kind=Kind.REPORT, body="words", classification=classification, roles=roles, **fields
    )
    return services.publish(agent, mission.pk, draft)


def _check_dense(mission: Mission) -> None:
    """Every stream holds exactly its updates, in the log's order, numbered without a hole."""
    mission.refresh_from_db()
    updates = list(Update.objects.filter(mission=mission).order_by("position"))
    for stream in STREAMS:
        seen = [
            one
            for one in updates
            if one.retracted_at is None
            and audiences.in_audience(VIEWERS[stream], selectors.audience_of(one))
        ]
        numbered = [one for one in updates if getattr(one, seq_column(stream)) is not None]
        assert numbered == seen
        numbers = [getattr(one, seq_column(stream)) for one in numbered]
        assert numbers == list(range(1, len(seen) + 1))
        assert mission.numbers[stream] == len(seen)


def test_a_retraction_closes_the_gap_and_gives_its_streams_new_epochs(
    director: Agent, mission: Mission
) -> None:
    """Streams that saw it are renumbered and reset; the others keep epoch and numbers."""
    _say(director, mission)
    hidden = _say(director, mission, Clearance.SECRET)
    _say(director, mission)
    mission.refresh_from_db()
    before = list(mission.epochs)
    revisions.retract(director, hidden.pk)
    _check_dense(mission)
    streams = audiences.streams_of(Audience(Clearance.SECRET))
    for stream in STREAMS:
        assert (mission.epochs[stream] != before[stream]) == (stream in streams)


def test_a_retracted_update_is_gone_from_every_read(director: Agent, mission: Mission) -> None:
    """Page, single read and own updates answer as if it never was; its client_id stays used."""
    update = _say(director, mission, client_id="c")
    revisions.retract(director, update.pk)
    assert history.page(director, mission.pk).updates == []
    assert history.page(director, mission.pk, author_me=True).updates == []
    with pytest.raises(NotFound):
        selectors.update_for(director, update.pk)
    with pytest.raises(Conflict):
        _say(director, mission, client_id="c")


def test_a_retry_after_a_reclassification_is_the_same_update(
    director: Agent, mission: Mission
) -> None:
    """The author repeats what it said; that somebody gave it another audience is no conflict."""
    update = _say(director, mission, client_id="c")
    revisions.reclassify(director, update.pk, classification=Clearance.SECRET)
    assert _say(director, mission, client_id="c").pk == update.pk
    with pytest.raises(Conflict):
        _say(director, mission, client_id="c", requires_ack=True)


def test_healing_across_a_retraction_brings_no_word_of_it(
    director: Agent, mission: Mission
) -> None:
    """A worker that was behind reads resets and what is left, never what was retracted."""
    _say(director, mission)
    gone = _say(director, mission)
    revisions.retract(director, gone.pk)
    events = changes.following(mission.pk, 0)
    assert [event.position for event in events] == [1, 2, 3]
    assert events[0].numbers == events[1].numbers == {}
    assert events[2].body == b""
    assert len(events[2].epochs) == 16


def test_only_handlers_and_directors_who_see_it_change_an_update(
    director: Agent, mission: Mission
) -> None:
    """An analyst who sees it may not; a handler who does not see it finds nothing."""
    analyst = _agent("ana", Role.ANALYST, Clearance.SECRET)
    handler = _agent("han", Role.HANDLER, Clearance.RESTRICTED)
    for one in (analyst, handler):
        services.add_member(director, mission.pk, one.pk)
    update = _say(director, mission, Clearance.SECRET)
    with pytest.raises(Forbidden):
        revisions.retract(analyst, update.pk)
    with pytest.raises(NotFound):
        revisions.retract(handler, update.pk)
    plain = _say(director, mission)
    with pytest.raises(Forbidden):
        revisions.reclassify(handler, plain.pk, classification=Clearance.SECRET)
    revisions.retract(handler, plain.pk)


def test_a_reclassification_to_the_same_audience_changes_nothing(
    director: Agent, mission: Mission
) -> None:
    """No position, no epoch: nothing happened."""
    update = _say(director, mission)
    mission.refresh_from_db()
    before = (mission.position, list(mission.epochs))
    revisions.reclassify(director, update.pk, classification=Clearance.RESTRICTED)
    mission.refresh_from_db()
    assert (mission.position, mission.epochs) == before


AUDIENCES = st.tuples(st.sampled_from(Clearance), st.frozensets(st.sampled_from(Role)))


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    said=st.lists(AUDIENCES, min_size=1, max_size=6),
    done=st.lists(st.tuples(st.integers(0, 5), st.none() | AUDIENCES), max_size=6),
)
def test_numbers_stay_dense_whatever_is_changed(
    monkeypatch: pytest.MonkeyPatch,
    director: Agent,
    mission: Mission,
    said: list[tuple[Clearance, frozenset[Role]]],
    done: list[tuple[int, tuple[Clearance, frozenset[Role]] | None]],
) -> None:
    """Any mix of publishing, reclassifying and retracting leaves every stream whole."""
    monkeypatch.setattr(revisions, "AT_ONCE", 2)
    updates = [_say(director, mission, level, roles) for level, roles in said]
    for index, audience in done:
        update = updates[index % len(updates)]
        try:
            if audience is None:
                revisions.retract(director, update.pk)
            else:
                revisions.reclassify(
                    director, update.pk, classification=audience[0], roles=audience[1]
                )
        except NotFound:
            assert Update.objects.get(pk=update.pk).retracted_at is not None
    _check_dense(mission)
