"""The access log: one line for each HTTP answer, refused handshake and closed socket.

Never holds a query string, because tokens and tickets travel there, nor a byte that a terminal
would act on. Called by daphne through the server's `log_action`.
"""

import logging
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

logger = logging.getLogger("hq.access")


def shown_path(uri: str) -> str:
    """The path of a request target, safe to print."""
    return quote(uri.partition("?")[0], safe="/%:@!$&'()*+,;=-._~")[:500]


def log_action(protocol: str, action: str, details: Mapping[str, Any]) -> None:
    """Daphne's interface for action loggers; only what ends something is worth a line."""
    if (protocol, action) == ("http", "complete"):
        logger.info(
            "%s %s %s %d %d bytes %.0f ms",
            details["client"] or "-",
            shown_path(details["method"]),
            shown_path(details["path"]),
            details["status"],
            details["size"],
            details["time_taken"] * 1000,
        )
    elif (protocol, action) == ("websocket", "rejected"):
        logger.info(
            "%s WEBSOCKET %s %d", details["client"], shown_path(details["path"]), details["status"]
        )
    elif (protocol, action) == ("websocket", "disconnected"):
        logger.info(
            "%s WEBSOCKET %s closed %s after %.0f s",
            details["client"],
            shown_path(details["path"]),
            details["code"],
            details["time_taken"],
        )
