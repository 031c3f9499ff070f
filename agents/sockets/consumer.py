"""A WebSocket of an authenticated agent, for any Channels project.

Owns the life of a connection: first message, refresh in place, expiry, revocation, limits, typed
errors. A subclass says what its frames mean: `commands` decodes them, `opened`, `received` and
`closed` are called in that order. Has no layer channel of its own: the process has one, in
`agents.live`.
"""

import asyncio
import logging
from collections.abc import MutableMapping
from typing import Any, ClassVar, NoReturn
from uuid import UUID, uuid4

import msgspec
from channels.consumer import AsyncConsumer
from django.conf import settings
from django.db import Error as DatabaseFailure
from django.utils import timezone

from agents import connections, protocol, watch
from agents.errors import (
    AuthTimeout,
    HQError,
    Invalid,
    RateLimited,
    TokenInvalid,
    TokenMissing,
    Unauthorized,
    Unavailable,
)
from agents.protocol import CloseCode
from agents.sessions import Authenticated
from agents.sockets.credentials import Carrier, Credential, bearer
from agents.sockets.limits import FrameRate, Malformed, too_big
from agents.sockets.middleware import (
    admitted,
    authenticate,
    close_code_of,
    close_reason_of,
    user_agent_of,
)
from agents.sockets.outgoing import Outgoing, Send
from agents.sockets.trail import Trail

logger = logging.getLogger(__name__)

FIRST_MESSAGE_WITHIN = 5.0
WARN_BEFORE = 60.0

ENDED = {
    "logout": "You logged out.",
    "ended_by_agent": "The session was ended from another session of yours.",
    "administrator": "The session was ended by an administrator.",
    "disabled": "The account was disabled.",
    "password_changed": "The password was changed.",
    "password_reset": "The password was reset by an administrator.",
    "mfa_changed": "The second factor was changed.",
    "token_reuse": "A refresh token was used twice.",
}
"""The close reason for each reason that a session ends for."""

_first_decoder = msgspec.json.Decoder(protocol.Authenticate)


class Disconnected(Exception):
    """The connection is over; nothing is left to answer."""


class AuthenticatedConsumer(AsyncConsumer):
    """Authenticate, expire, refresh in place, revoke, limit, log."""

    channel_layer_alias = None
    commands: ClassVar[msgspec.json.Decoder[Any]]
    _watching: watch.Watch | None = None

    async def __call__(self, scope: Any, receive: Any, send: Send) -> None:
        """One plain receive loop: no task a message, no thread hop, no layer channel."""
        self.scope = scope
        self._receive = receive
        self.outgoing = Outgoing(scope, send)
        self.connection_id = uuid4()
        self._trail = Trail(scope, self.connection_id)
        self._frames_in = self.access_revision = 0
        self._timers: list[asyncio.TimerHandle] = []
        self._welcomed = False
        self._rate, self._malformed = FrameRate(), Malformed()
        try:
            await receive()  # websocket.connect
            await send(
                {"type": "websocket.accept", "subprotocol": scope["hq_handshake"].subprotocol}
            )
            await self._enter(scope["hq_session"] or await self._first_message())
            await self.opened()
            self._welcomed = True
            self._set_timers()
            while True:
                await self._answer(await self._next_text())
        except Disconnected:
            pass
        except HQError as refusal:
            self._trail.refused(refusal)
            self.refuse(refusal)
        except DatabaseFailure as error:
            logger.warning("socket: the database failed (%s)", type(error).__name__)
            self.outgoing.close(CloseCode.TRY_AGAIN_LATER, "Not ready. Try again.")
        except Exception:
            logger.exception("socket: closed by an error of HQ's own")
            self.outgoing.close(CloseCode.INTERNAL_ERROR, "Internal error.")
        finally:
            for timer in self._timers:
                timer.cancel()
            self.outgoing.gone()
            self._trail.closed(self.outgoing.code)
            if self._watching is not None:
                self._watching.remove(self)
                await self.closed()
                connections.current().leave(
                    connections.Closed(
                        self.connection_id, self.outgoing.code, self._frames_in, self.outgoing.sent
                    )
                )
        await self.outgoing.drained()

    # What a subclass defines.

    async def opened(self) -> None:
        """The agent is known and the socket accepted."""

    async def received(self, frame: Any) -> None:
        """A decoded frame that is none of authentication's; raises `HQError` to refuse."""

    async def closed(self) -> None:
        """The socket is gone."""

    # What `agents.watch` calls.

    def session_ended(self, reason: str = "") -> None:
        """The session is over or the agent disabled; says which, as far as it is known."""
        self.shut(CloseCode.SESSION_ENDED, ENDED.get(reason, "The session has ended."))

    def shut(self, code: CloseCode, reason: str) -> None:
        """Closes from outside the receive loop; what waits unread is dropped."""
        if self.outgoing.waiting():
            self.outgoing.abort(code, reason)
        self.outgoing.close(code, reason)

    # The life of a connection.

    def refuse(self, refusal: HQError) -> None:
        """Says why, and closes."""
        if isinstance(refusal, Unauthorized):
            self.outgoing.send(protocol.AuthFailed(code=refusal.code, message=refusal.message))
        self.outgoing.close(close_code_of(refusal), close_reason_of(refusal))

    async def _enter(self, authenticated: Authenticated) -> None:
        """Watches the socket from now on, and writes it into the register."""
        self.agent_id: UUID = authenticated.agent.id
        self.session_id: UUID = authenticated.session.id
        self.access_revision = authenticated.agent.access_revision
        watching = watch.current()
        if watching.sockets_of(self.agent_id) >= settings.HQ_SOCKETS_PER_AGENT:
            raise RateLimited("Too many connections.")
        self._watching = watching
        watching.add(self)
        self.outgoing.may_go = lambda: watching.fresh
        self._expire(authenticated)
        await connections.current().enter(
            self,
            connections.Opening(
                self.connection_id,
                self.agent_id,
                self.session_id,
                self.scope["hq_address"],
                user_agent_of(self.scope),
            ),
        )
        self._trail.opened(authenticated)

    def _expire(self, authenticated: Authenticated) -> None:
        self.expires_at = min(authenticated.expires_at, authenticated.session.expires_at)
        self._set_timers()

    def _set_timers(self) -> None:
        """Expiry always; the warning of it not before the socket was welcomed."""
        for timer in self._timers:
            timer.cancel()
        left = (self.expires_at - timezone.now()).total_seconds()
        loop = asyncio.get_running_loop()
        self._timers = [loop.call_later(max(0.0, left), self._expired)]
        if left > 1 and self._welcomed:
            self._timers.append(loop.call_later(max(0.0, left - WARN_BEFORE), self._warn))

    def _warn(self) -> None:
        left = (self.expires_at - timezone.now()).total_seconds()
        self.outgoing.send(protocol.TokenExpiring(expires_in=max(0, round(left))))

    def _expired(self) -> None:
        self.shut(CloseCode.UNAUTHORIZED, "Unauthorized: Token Expired")

    async def _first_message(self) -> Authenticated:
        try:
            async with asyncio.timeout(FIRST_MESSAGE_WITHIN):
                text = await self._next_text()
        except TimeoutError:
            raise AuthTimeout from None
        if text[:14].lower() == "authorization:":
            token = bearer(text[14:])
        else:
            try:
                frame = protocol.decode_frame(_first_decoder, text)
            except protocol.Malformed:
                raise TokenMissing from None
            if frame.token is msgspec.UNSET:
                raise TokenMissing
            token = frame.token
        authenticated = await authenticate(Credential(Carrier.FIRST_MESSAGE, token), counting=True)
        admitted(self.scope, authenticated)
        return authenticated

    async def _renew(self, frame: protocol.ClientFrame) -> None:
        """Checks the token or ticket that a frame carries: same agent and session, or closed."""
        ticket = getattr(frame, "ticket", msgspec.UNSET)
        if frame.token is not msgspec.UNSET and ticket is not msgspec.UNSET:
            raise Invalid("Send a token or a ticket, not both.", field="ticket")
        if ticket is not msgspec.UNSET:
            authenticated = await authenticate(Credential(Carrier.TICKET, ticket))
        elif frame.token is not msgspec.UNSET:
            authenticated = await authenticate(Credential(Carrier.FIRST_MESSAGE, frame.token))
        else:
            raise Invalid("Send a token or a ticket.", field="token")
        if (authenticated.agent.id, authenticated.session.id) != (self.agent_id, self.session_id):
            raise TokenInvalid
        self._expire(authenticated)

    async def _answer(self, text: str) -> None:
        """One frame: limits, shape, token, then what it means."""
        if self._rate.exceeded():
            self._trail.limited("frames")
            self._end(CloseCode.RATE_LIMITED, "Too many frames.")
        try:
            frame = protocol.decode_frame(self.commands, text)
        except protocol.Malformed as malformed:
            self._trail.malformed()
            self.answer_error(Invalid(malformed.message, field=malformed.field), malformed.id)
            if self._malformed.exceeded():
                self._end(CloseCode.MALFORMED, "Too many malformed frames.")
            return
        try:
            if isinstance(frame, protocol.Refresh | protocol.Authenticate):
                await self._renew(frame)
                self.outgoing.send(
                    protocol.Refreshed(id=frame.id, expires_at=protocol.wire_time(self.expires_at))
                )
                return
            if frame.token is not msgspec.UNSET:
                await self._renew(frame)
            if isinstance(frame, protocol.Ping):
                self.outgoing.send(protocol.Pong(id=frame.id))
            else:
                await self.received(frame)
        except Unauthorized:
            raise
        except HQError as refusal:
            self._trail.told(refusal, str(frame.__struct_config__.tag))
            self.answer_error(refusal, frame.id)
        except DatabaseFailure as error:
            logger.warning("socket: a command met a failing database (%s)", type(error).__name__)
            self.answer_error(Unavailable(), frame.id)

    def answer_error(
        self, refusal: HQError, frame_id: protocol.FrameId | msgspec.UnsetType
    ) -> None:
        """The one place where an exception becomes an `error` frame."""
        self.outgoing.send(
            protocol.ErrorFrame(
                id=frame_id,
                code=refusal.code,
                message=refusal.message,
                field=refusal.field or msgspec.UNSET,
            )
        )

    async def _next_text(self) -> str:
        message: MutableMapping[str, Any] = await self._receive()
        if message["type"] == "websocket.disconnect":
            self.outgoing.gone(message.get("code"))
        if self.outgoing.closed:  # what a client sent before it read our close is not done
            raise Disconnected
        self._frames_in += 1
        text = message.get("text")
        if text is None:
            self._end(CloseCode.UNSUPPORTED_DATA, "Send text frames.")
        if too_big(text):
            self._end(CloseCode.TOO_BIG, "The frame is too large.")
        return str(text)

    def _end(self, code: CloseCode, reason: str) -> NoReturn:
        self.outgoing.close(code, reason)
        raise Disconnected
