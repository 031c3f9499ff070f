"""Positions and numbers when several write at once: one order, no hole, the same for everyone."""

import threading
from collections.abc import Callable

import pytest
from django.db import connections, transaction

from agents.models import Agent
from agents.roles import Clearance, Role
from missions import audiences, services
from missions.drafts import Draft
from missions.models import Change, Mission, Update, seq_column
from missions.protocol import Kind
from tests.cast import DIRECTOR, HANDLER, Member, enlist

pytestmark = pytest.mark.django_db(transaction=True)

EACH = 25
WRITERS = (DIRECTOR, HANDLER)


@pytest.fixture
def members() -> dict[Member, Agent]:
    """The cast, committed, so that other threads see it."""
    return enlist()


@pytest.fixture
def mission(members: dict[Member, Agent]) -> Mission:
    """A mission of the director with the handler on it."""
    made = services.create_mission(members[DIRECTOR], "Harbour", "", Clearance.RESTRICTED)
    services.add_member(members[DIRECTOR], made.pk, members[HANDLER].pk)
    return made


def at_once(*works: Callable[[], None]) -> None:
    """Runs all in threads that start together; raises the first error."""
    errors: list[BaseException] = []
    start = threading.Barrier(len(works))

    def run(work: Callable[[], None]) -> None:
        try:
            start.wait(timeout=10)
            work()
        except Exception as error:  # noqa: BLE001  (raised again in the test's own thread)
            errors.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    if errors:
        raise errors[0]


def draft(number: int, author: Member) -> Draft:
    """Updates of all audiences that both writers may address."""
    return Draft(
        kind=Kind.REPORT,
        body=f"{author.username} {number}",
        classification=(Clearance.RESTRICTED, Clearance.CONFIDENTIAL, Clearance.SECRET)[number % 3],
        roles=(frozenset(), frozenset({Role.ANALYST}), frozenset({Role.HANDLER}))[number // 3 % 3],
    )


def publishing(agent: Agent, author: Member, mission: Mission) -> Callable[[], None]:
    """Work for a thread: `EACH` updates, one after the other."""

    def work() -> None:
        for number in range(EACH):
            services.publish(agent, mission.pk, draft(number, author))

    return work


def test_two_writers_at_once_get_one_order_without_holes(
    members: dict[Member, Agent], mission: Mission
) -> None:
    """Every update has a position of its own, and every stream is dense in the same order."""
    at_once(*(publishing(members[writer], writer, mission) for writer in WRITERS))

    updates = list(Update.objects.filter(mission=mission).order_by("position"))
    assert [update.position for update in updates] == list(range(1, 2 * EACH + 1))
    mission.refresh_from_db()
    assert mission.position == 2 * EACH
    for stream in audiences.STREAMS:
        numbers = [getattr(update, seq_column(stream)) for update in updates]
        given = [number for number in numbers if number is not None]
        assert given == list(range(1, len(given) + 1))
        assert mission.numbers[stream] == len(given)


def test_each_writers_own_updates_keep_their_order(
    members: dict[Member, Agent], mission: Mission
) -> None:
    """What one author said first stands first, whoever spoke in between."""
    at_once(*(publishing(members[writer], writer, mission) for writer in WRITERS))
    for writer in WRITERS:
        said = mission.updates.filter(author=members[writer]).order_by("position")
        bodies = [update.body for update in said]
        assert bodies == [f"{writer.username} {number}" for number in range(EACH)]


def test_the_changes_that_healing_reads_say_the_same(
    members: dict[Member, Agent], mission: Mission
) -> None:
    """The change row of a position holds the numbers and epochs that its update has."""
    at_once(*(publishing(members[writer], writer, mission) for writer in WRITERS))
    mission.refresh_from_db()
    changes = list(Change.objects.filter(mission=mission).select_related("update"))
    assert len(changes) == 2 * EACH
    for change in changes:
        update = change.update
        assert update is not None
        assert update.position == change.position
        numbers = {s: getattr(update, seq_column(s)) for s in audiences.STREAMS}
        assert change.numbers == {str(s): n for s, n in numbers.items() if n is not None}
        assert change.epochs == {s: mission.epochs[int(s)] for s in change.numbers}


def test_one_client_id_sent_at_once_is_one_update(
    members: dict[Member, Agent], mission: Mission
) -> None:
    """A retry that races with its first attempt gets the same update, and no position is spent."""
    answers: list[Update] = []
    said = Draft(kind=Kind.MESSAGE, body="once", client_id="only-once")

    def work() -> None:
        answers.append(services.publish(members[HANDLER], mission.pk, said))

    at_once(work, work, work)
    assert len({update.pk for update in answers}) == 1
    mission.refresh_from_db()
    assert mission.position == 1


def test_a_refused_publish_takes_no_number(members: dict[Member, Agent], mission: Mission) -> None:
    """A write that rolls back leaves no hole behind."""
    services.publish(members[DIRECTOR], mission.pk, draft(0, DIRECTOR))

    def interrupted() -> None:
        with transaction.atomic():
            services.publish(members[DIRECTOR], mission.pk, draft(1, DIRECTOR))
            raise RuntimeError("the process died before the commit")

    with pytest.raises(RuntimeError):
        interrupted()
    last = services.publish(members[DIRECTOR], mission.pk, draft(2, DIRECTOR))
    assert last.position == 2
