"""The access log: one line for each HTTP answer, refused handshake and closed socket.

Never holds a query string, because tokens and tickets travel there. How a line looks is decided in
`hq_project.logs`. Called by daphne through the server's `log_action`.
"""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import structlog

logger = structlog.stdlib.get_logger("hq.access")


def shown_path(uri: str) -> str:
    """The path of a request target, safe to print."""
    return quote(uri.partition("?")[0], safe="/%:@!$&'()*+,;=-._~")[:500]


def log_action(protocol: str, action: str, details: Mapping[str, Any]) -> None:
    """Daphne's interface for action loggers; only what ends something is worth a line."""
    about = {"path": shown_path(details["path"]), "client": details.get("client") or "-"}
    if (protocol, action) == ("http", "complete"):
        logger.info(
            "answered",
            method=shown_path(details["method"]),
            status=details["status"],
            size=details["size"],
            ms=round(details["time_taken"] * 1000),
            **about,
        )
    elif (protocol, action) == ("websocket", "rejected"):
        logger.info("socket refused", status=details["status"], **about)
    elif (protocol, action) == ("websocket", "disconnected"):
        logger.info(
            "socket closed", code=details["code"], seconds=round(details["time_taken"]), **about
        )
