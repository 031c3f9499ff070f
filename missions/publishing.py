"""The one door out: what a mission's log says to the workers.

Builds the one event of a change and hands it to the process's channel after commit. Called by
`missions.services` alone; the `switchboard` reads what is built here.
"""

import datetime as dt
from typing import Any
from uuid import UUID

from agents import live
from agents.models import Agent
from agents.protocol import wire_time
from missions.models import Update
from missions.protocol import Revised

UPDATE_EVENT = "mission.update"
RECEIPT_EVENT = "mission.receipt"
PRESENCE_EVENT = "mission.presence"


def group_of(mission_id: UUID | str) -> str:
    """The channel-layer group of a mission: what its workers subscribe to."""
    return f"mission.{mission_id}"


def update_event(
    mission_id: UUID | str,
    position: int,
    numbers: dict[str, int],
    epochs: dict[str, str],
    body: bytes,
    revised: Revised | None = None,
) -> dict[str, Any]:
    """One event for all viewer classes: position, number and epoch per stream, encoded update.

    An empty body says that the streams of `epochs` were renumbered: what they hold is void.
    `revised` is for the author of the update that was revised, whose stream may lack it.
    """
    event = {
        "type": UPDATE_EVENT,
        "mission": str(mission_id),
        "position": position,
        "numbers": numbers,
        "epochs": epochs,
        "body": body,
    }
    return event if revised is None else event | {"revised": revised}


def receipt_event(update: Update, agent: Agent, at: dt.datetime) -> dict[str, Any]:
    """A receipt for those who oversee; who may be told is read when it arrives."""
    return {
        "type": RECEIPT_EVENT,
        "mission": str(update.mission_id),
        "update": str(update.pk),
        "agent": [agent.codename, agent.role],
        "at": wire_time(at),
        "author": str(update.author_id),
    }


def presence_event(mission_id: UUID | str) -> dict[str, Any]:
    """Somebody came or went: who shows the roster reads it again."""
    return {"type": PRESENCE_EVENT, "mission": str(mission_id)}


def announce(event: dict[str, Any]) -> None:
    """Hands the event to the workers of its mission; never waits, never fails."""
    live.hand_over(group_of(event["mission"]), event)
