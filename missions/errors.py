"""The errors that only missions know, in the tree of `agents.errors`.

HQError
+-- Conflict             409  conflict
    +-- MissionClosed         mission_closed
    +-- Reset                 reset
"""

from agents.errors import HQError


class Conflict(HQError):
    """The same `client_id` was used for other content."""

    code, status = "conflict", 409
    default_message = "This client_id was used for another update."


class MissionClosed(Conflict):
    """A completed or aborted mission takes no updates."""

    code, default_message = "mission_closed", "The mission is closed and takes no updates."


class Reset(Conflict):
    """Paging backwards across an epoch: start again from the newest page."""

    code, default_message = "reset", "The log was renumbered. Load it again."
