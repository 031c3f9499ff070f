"""The one door out: what a mission's log says to the workers.

Builds the one event of a change and hands it to the process's channel after commit. Called by
`missions.services` alone; the `switchboard` reads what is built here.
"""

from typing import Any
from uuid import UUID

from agents import live

UPDATE_EVENT = "mission.update"


def group_of(mission_id: UUID | str) -> str:
    """The channel-layer group of a mission: what its workers subscribe to."""
    return f"mission.{mission_id}"


def update_event(
    mission_id: UUID | str,
    position: int,
    numbers: dict[str, int],
    epochs: dict[str, str],
    body: bytes,
) -> dict[str, Any]:
    """One event for all viewer classes: position, number and epoch per stream, encoded update."""
    return {
        "type": UPDATE_EVENT,
        "mission": str(mission_id),
        "position": position,
        "numbers": numbers,
        "epochs": epochs,
        "body": body,
    }


def announce(event: dict[str, Any]) -> None:
    """Hands the event to the workers of its mission; never waits, never fails."""
    live.hand_over(group_of(event["mission"]), event)
