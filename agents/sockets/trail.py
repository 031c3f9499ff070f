"""What a socket leaves in the security log: who came and how, who was refused and why, the end.

Holds no token, no frame and no name of a mission, only codes. Written through `agents.notebook`,
so that no socket waits for the log. Called by the middleware and by `AuthenticatedConsumer`.
"""

from collections.abc import Callable, MutableMapping
from typing import Any
from uuid import UUID

import structlog

from agents import notebook
from agents.errors import (
    Forbidden,
    HQError,
    Invalid,
    NotFound,
    OriginRefused,
    RateLimited,
    SecondFactorRequired,
    Unauthorized,
)
from agents.protocol import CloseCode
from agents.sessions import Authenticated
from agents.sockets.credentials import Carrier, Handshake

_NO_TEXT = frozenset({CloseCode.UNSUPPORTED_DATA, CloseCode.INVALID_PAYLOAD, CloseCode.TOO_BIG})


class Trail:
    """The trail of one connection; `connection` is None until there is one."""

    __slots__ = ("_address", "_agent", "_carrier", "_connection", "_session", "_tell")

    def __init__(self, scope: MutableMapping[str, Any], connection: UUID | None = None) -> None:
        self._address: str | None = scope["hq_address"]
        self._carrier = _carrier_of(scope.get("hq_handshake"))
        self._connection = connection
        self._agent: UUID | None = None
        self._session: UUID | None = None
        # HQ's daphne asks so for what its line about the connection should say.
        self._tell: Callable[..., None] | None = (scope.get("extensions") or {}).get("hq.log")
        if connection is not None:
            self._bind(connection=str(connection))

    def opened(self, authenticated: Authenticated) -> None:
        """The agent is known and the connection stands."""
        self._agent, self._session = authenticated.agent.id, authenticated.session.id
        self._bind(session=str(self._session))
        self._note("ws_connect", carrier=self._carrier)

    def closed(self, code: int) -> None:
        """The connection is over; one that was never opened was refused, or sent no text."""
        if self._agent is not None:
            self._note("ws_close", code=int(code))
        elif code in _NO_TEXT:
            self.malformed()

    def refused(self, refusal: HQError) -> None:
        """The handshake, the first message or a later token was no good, or there is no room."""
        if isinstance(refusal, OriginRefused):
            self._refused("origin_refused", "socket")
        elif isinstance(refusal, SecondFactorRequired):
            self._refused("authz_fail", f"{refusal.code} socket", carrier=self._carrier)
        elif isinstance(refusal, Unauthorized):
            self._refused("authn_token_refused", refusal.code, carrier=self._carrier)
        elif isinstance(refusal, RateLimited):
            self.limited("sockets")

    def limited(self, reason: str) -> None:
        """More `reason` than one may have or send."""
        self._refused("excess_rate_limit_exceeded", reason)

    def malformed(self) -> None:
        """A frame that is none."""
        self._refused("input_validation_fail", "frames")

    def no_such_path(self) -> None:
        """A handshake at a path that has no socket."""
        self._refused("input_validation_fail", "path")

    def told(self, refusal: HQError, frame: str) -> None:
        """An answer to a frame of that type; what is hidden and what is not there are one row."""
        if isinstance(refusal, Forbidden | NotFound):
            self._refused("authz_fail", f"{refusal.code} {frame}")
        elif isinstance(refusal, Invalid):
            self._refused("input_validation_fail", f"{refusal.code} {frame}")

    def _bind(self, **said: str) -> None:
        structlog.contextvars.bind_contextvars(**said)
        if self._tell is not None:
            self._tell(**said)

    def _note(self, event: str, **details: Any) -> None:
        notebook.note(
            event,
            actor=self._agent,
            subject=self._agent,
            session=self._session,
            address=self._address,
            connection=str(self._connection),
            **details,
        )

    def _refused(self, event: str, reason: str, **details: Any) -> None:
        notebook.refused(
            event, reason, self._address, actor=self._agent, session=self._session, **details
        )


def _carrier_of(handshake: Handshake | None) -> str:
    if handshake is None or handshake.credential is None:
        return Carrier.FIRST_MESSAGE.value
    return handshake.credential.carrier.value
