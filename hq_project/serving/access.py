"""The access log: one line for each HTTP answer, refused handshake and closed socket.

Never holds a query string, because tokens and tickets travel there. `client` is the client's
address with its port; where a trusted proxy speaks for it, without one. `session` of a call is
bound where it authenticates; `connection` and `session` of a socket come from its application. How
a line looks is decided in `hq_project.logs`. Called by daphne through the server's `log_action`.
"""

import contextvars
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import structlog

NO_PORT = 0

logger = structlog.stdlib.get_logger("hq.access")


def shown_path(uri: str) -> str:
    """The path of a request target, safe to print."""
    return quote(uri.partition("?")[0], safe="/%:@!$&'()*+,;=-._~")[:500]


def log_action(protocol: str, action: str, details: Mapping[str, Any]) -> None:
    """Daphne's interface for action loggers; only what ends something is worth a line."""
    client = (details.get("client") or "-").removesuffix(f":{NO_PORT}")
    about = {"path": shown_path(details["path"]), "client": client}
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
        _of_socket("socket refused", status=details["status"], **about)
    elif (protocol, action) == ("websocket", "disconnected"):
        _of_socket(
            "socket closed",
            code=details["code"],
            seconds=round(details["time_taken"]),
            **details.get("application", {}),
            **about,
        )


def _of_socket(event: str, **said: Any) -> None:
    # Told in whatever context ended the connection, which may be that of another socket.
    contextvars.Context().run(logger.info, event, **said)
