"""Writes that change the past of a log: retraction and reclassification of an update.

Each takes a position, renumbers the streams that could see the update before or after, from the
changed place on, each row once, and gives those streams new epochs; their sockets get a reset. The
other streams notice nothing; an author whose stream is among them is told that its own update
changed, if it could look it up. Called by REST. Locks and errors as `missions.services`.
"""

from uuid import UUID

from django.db import transaction
from django.db.models import F, Q

from agents.errors import Forbidden, NotFound
from agents.models import Agent
from agents.roles import Clearance, Role
from missions import audiences, publishing, selectors, services, trail
from missions.audiences import Audience
from missions.models import Change, Mission, Receipt, Update, new_epochs, seq_column
from missions.protocol import Revised

AT_ONCE = 20_000
"""Positions that one statement renumbers: about a second on PostgreSQL, which gives it 3.8."""


def reclassify(
    agent: Agent,
    update_id: UUID | str,
    *,
    classification: Clearance | None = None,
    roles: frozenset[Role] | None = None,
) -> Update:
    """Gives an update another audience; by handlers and directors who see it."""
    with transaction.atomic():
        mission, changer, update = _locked_update(agent, update_id)
        before = selectors.audience_of(update)
        after = Audience(
            before.classification if classification is None else classification,
            before.roles if roles is None else roles,
        )
        if after.classification > changer.viewer.clearance:
            raise Forbidden("The classification is above your clearance.")
        if after.classification < mission.classification:
            raise Forbidden("The classification is below the mission's.")
        if after != before:
            update.revised_at = mission.now
            update.classification = after.classification.value
            update.roles = audiences.roles_mask(after.roles)
            update.save(update_fields=["revised_at", "classification", "roles"])
            _renumber(mission, update, before, after)
            trail.update_reclassified(changer, update, before, after)
    return update


def retract(agent: Agent, update_id: UUID | str) -> None:
    """Takes an update out of every stream, its words with it; its `client_id` stays used."""
    with transaction.atomic():
        mission, changer, update = _locked_update(agent, update_id)
        update.retracted_at = mission.now
        update.body, update.data = "", {}
        update.ack_due_at = None
        update.save(update_fields=["retracted_at", "body", "data", "ack_due_at"])
        Receipt.objects.filter(update=update).delete()
        _renumber(mission, update, selectors.audience_of(update), None)
        trail.update_retracted(changer, update)


def _locked_update(agent: Agent, update_id: UUID | str) -> tuple[Mission, Agent, Update]:
    """Mission, agent and update as they are under the mission's lock; `NotFound` if unseen."""
    seen = selectors.visible_updates(agent).filter(pk=selectors.parsed_id(update_id))
    mission_id = seen.values_list("mission_id", flat=True).first()
    if mission_id is None:
        raise NotFound
    mission, current = services.locked(agent, mission_id)
    update = selectors.visible_updates(current).filter(pk=update_id).first()
    if update is None:
        raise NotFound
    if not audiences.may_staff(current.viewer):
        raise Forbidden("Only handlers and directors change updates.")
    return mission, current, update


def _renumber(
    mission: Mission, update: Update, audience: Audience, new_audience: Audience | None
) -> None:
    fresh = new_epochs()
    before = audiences.streams_of(audience)
    after = () if new_audience is None else audiences.streams_of(new_audience)
    affected = sorted({*before, *after})
    shifts: dict[int, int] = {}
    for stream in affected:
        mission.epochs[stream] = fresh[stream]
        if stream not in after:
            setattr(update, seq_column(stream), None)
            shifts[stream] = -1
        elif stream not in before:
            setattr(update, seq_column(stream), _number_at(update, stream))
            shifts[stream] = 1
    shift(mission, update.position, shifts)
    mission.position += 1
    mission.save(update_fields=["position", "numbers", "epochs"])
    # No more than that: who claims an overdue update waits for no lock of the mission.
    update.save(update_fields=[seq_column(stream) for stream in affected])
    change = Change.objects.create(
        mission=mission,
        position=mission.position,
        kind="reset",
        numbers={},
        epochs={str(stream): mission.epochs[stream] for stream in affected},
        revised=Revised(
            update=str(update.pk),
            author=str(update.author_id),
            classification=audience.classification.value,
            state="retracted" if new_audience is None else "reclassified",
        ),
    )
    event = publishing.update_event(
        mission.pk, change.position, {}, change.epochs, b"", change.revised
    )
    transaction.on_commit(lambda: publishing.announce(event))


def shift(mission: Mission, position: int, shifts: dict[int, int]) -> None:
    """Adds to the numbers that come after a position of the log, by stream, and to the newest.

    A row is written once, in however many streams it is.
    """
    if not shifts:
        return
    numbered = Q()
    for stream, by in shifts.items():
        numbered |= Q(**{f"{seq_column(stream)}__isnull": False})
        mission.numbers[stream] += by
    moved = {seq_column(stream): F(seq_column(stream)) + by for stream, by in shifts.items()}
    for start in range(position, mission.position, AT_ONCE):
        part = Update.objects.filter(mission=mission, position__range=(start + 1, start + AT_ONCE))
        part.filter(numbered).update(**moved)


def _number_at(update: Update, stream: int) -> int:
    """The number that the update takes in a stream which lacks it."""
    column = seq_column(stream)
    earlier = Update.objects.filter(
        **{
            "mission": update.mission_id,
            "position__lt": update.position,
            f"{column}__isnull": False,
        }
    )
    return (earlier.order_by("-position").values_list(column, flat=True).first() or 0) + 1
