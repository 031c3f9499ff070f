"""The errors that only missions know, in the tree of `agents.errors`.

agents.errors.Conflict
+-- Conflict             409  conflict
    +-- MissionClosed         mission_closed
    +-- Reset                 reset
"""

from agents import errors


class Conflict(errors.Conflict):
    """The same `client_id` was used for other content."""

    default_message = "This client_id was used for another update."


class MissionClosed(Conflict):
    """A completed or aborted mission takes no updates."""

    code, default_message = "mission_closed", "The mission is closed and takes no updates."


class Reset(Conflict):
    """Paging backwards across an epoch: start again from the newest page."""

    code, default_message = "reset", "The log was renumbered. Load it again."
