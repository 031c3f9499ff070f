"""What tests of oversight share: orders whose time is over, and what a socket was told."""

import datetime as dt
import json

from django.utils import timezone

from agents.models import Agent
from agents.tests.wire import Frame, Wire
from missions import services
from missions.drafts import Draft
from missions.models import Mission, Update
from missions.protocol import Kind

SECOND = dt.timedelta(seconds=1)


async def heard(wire: Wire) -> list[Frame]:
    """What of it came before the answer to a ping."""
    wire.send("ping", id="fence")
    frames: list[Frame] = []
    while not frames or frames[-1]["type"] != "pong":
        frames.append(json.loads((await wire._next())["text"]))
    return [frame for frame in frames if frame["type"] in ("receipt", "overdue")]


async def told(wire: Wire, kind: str) -> Frame:
    """The next frame of that type."""
    return (await wire.until(lambda frame: frame["type"] == kind))[-1]


def let_pass(update: Update) -> None:
    """The time for acknowledging is over."""
    Update.objects.filter(pk=update.pk).update(ack_due_at=timezone.now() - SECOND)


def overdue_orders(handler: Agent, mission: Mission, number: int) -> list[str]:
    """So many orders whose time is over; their ids."""
    draft = Draft(kind=Kind.ORDER, body="Report.", requires_ack=True, ack_within=60)
    made = [services.publish(handler, mission.pk, draft) for _ in range(number)]
    for one in made:
        let_pass(one)
    return [str(one.pk) for one in made]
