"""What a socket may ask: each frame of `missions.protocol` becomes one call of a service.

Refuses nothing itself: services and selectors raise, `AuthenticatedConsumer` answers. The agent's
row is read afresh in the same thread call as the work.
"""

from typing import TYPE_CHECKING
from uuid import UUID

from msgspec import UNSET, Raw

from agents import threads
from agents.errors import Invalid, NotFound
from agents.models import Agent
from agents.roles import Clearance, Role
from missions import history, selectors, services
from missions.drafts import Draft
from missions.protocol import (
    Acknowledge,
    Acknowledged,
    MissionCommand,
    Publish,
    Published,
    Subscribe,
    Unsubscribe,
    Unsubscribed,
)

if TYPE_CHECKING:
    from agents.sockets.outgoing import Outgoing
    from missions.recovery import Subscriptions


async def run(
    frame: MissionCommand, agent_id: UUID, subscriptions: "Subscriptions", outgoing: "Outgoing"
) -> None:
    """Does what the frame asks and sends its answer; raises `HQError` to refuse."""
    match frame:
        case Subscribe():
            await _subscribe(frame, agent_id, subscriptions)
        case Unsubscribe():
            subscriptions.leave(frame.mission)
            outgoing.send(Unsubscribed(id=frame.id, mission=frame.mission, reason="requested"))
        case Publish():
            encoded = await threads.in_command_thread(_publish, agent_id, frame)
            outgoing.send(
                Published(
                    id=frame.id, mission=frame.mission, client_id=frame.client_id, update=encoded
                )
            )
        case Acknowledge():
            await threads.in_command_thread(_acknowledge, agent_id, frame.update)
            outgoing.send(Acknowledged(id=frame.id, update=frame.update))


async def _subscribe(frame: Subscribe, agent_id: UUID, subscriptions: "Subscriptions") -> None:
    if frame.mission not in subscriptions:
        await threads.in_command_thread(_check_visible, agent_id, frame.mission)
    await subscriptions.subscribe(
        frame.mission,
        after=None if frame.after is UNSET else frame.after,
        epoch=None if frame.after is UNSET or frame.epoch is UNSET else frame.epoch,
        frame_id=frame.id,
    )


def _agent(agent_id: UUID) -> Agent:
    agent = Agent.objects.filter(pk=agent_id, is_active=True).first()
    if agent is None:
        raise NotFound
    return agent


def _check_visible(agent_id: UUID, mission_id: str) -> None:
    selectors.mission_for(_agent(agent_id), mission_id)


def _publish(agent_id: UUID, frame: Publish) -> Raw:
    update = services.publish(_agent(agent_id), frame.mission, _draft(frame))
    return Raw(history.update_bytes(update))


def _acknowledge(agent_id: UUID, update_id: str) -> None:
    services.acknowledge(_agent(agent_id), update_id)


def _draft(frame: Publish) -> Draft:
    return Draft(
        kind=frame.kind,
        body=frame.body,
        data={} if frame.data is UNSET else frame.data,
        classification=_classification(frame),
        roles=_roles(frame),
        requires_ack=False if frame.requires_ack is UNSET else frame.requires_ack,
        ack_within=None if frame.ack_within is UNSET else frame.ack_within,
        client_id=None if frame.client_id is UNSET else frame.client_id,
    )


def _classification(frame: Publish) -> Clearance | None:
    if frame.classification is UNSET:
        return None
    try:
        return Clearance.from_wire(frame.classification)
    except ValueError as error:
        raise Invalid(f"{error}.", field="classification") from None


def _roles(frame: Publish) -> frozenset[Role]:
    try:
        return frozenset(Role(role) for role in frame.roles) if frame.roles else frozenset()
    except ValueError as error:
        raise Invalid(f"{error}.", field="roles") from None
