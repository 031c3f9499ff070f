"""Authenticates every WebSocket before the application behind it sees it.

Fills `scope["user"]` (an Agent, or AnonymousUser until a first message) and `scope["hq_session"]`
(what `agents.sessions.check_access` returned, or None). A bad handshake never reaches the
application: without an Origin it is refused as HTTP, with one as an open socket that says why
(a browser cannot see a handshake's status).
"""

import logging
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

import msgspec
from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.db import Error as DatabaseFailure

from agents import sessions, threads, tickets, watch
from agents.addresses import client_address
from agents.cookies import access_cookie_name
from agents.errors import HQError, NotFound, OriginRefused, RateLimited, Unauthorized, Unavailable
from agents.protocol import AuthFailed, CloseCode, encode_frame
from agents.sessions import Authenticated
from agents.sockets.credentials import Carrier, Credential, Handshake, read_handshake
from agents.sockets.limits import waiting
from agents.sockets.trail import Trail

logger = logging.getLogger(__name__)

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]


class JWTAuthMiddleware:
    """ASGI middleware for WebSockets; serves any Channels application."""

    def __init__(self, application: Application) -> None:
        self.application = application

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Lets an authenticated or waiting socket through, refuses any other."""
        scope["user"], scope["hq_session"] = AnonymousUser(), None
        scope["hq_address"] = address_of(scope)
        try:
            handshake = read_handshake(
                scope["headers"],
                scope.get("query_string", b""),
                scope.get("subprotocols", []),
                access_cookie_name(),
            )
        except OriginRefused as foreign:
            Trail(scope).refused(foreign)
            await _deny(scope, receive, send, foreign)
            return
        scope["hq_handshake"] = handshake
        place = waiting.enter(scope["hq_address"])
        if place is None:
            await _refuse(scope, receive, send, handshake, RateLimited("Too many connections."))
            return
        # An object, because routers hand a copy of the scope on.
        scope["hq_place"] = place
        try:
            refusal = await _admission(scope, handshake)
            if refusal is not None:
                await _refuse(scope, receive, send, handshake, refusal)
            else:
                await self.application(scope, receive, send)
        finally:
            place.leave()


async def _admission(scope: Scope, handshake: Handshake) -> HQError | None:
    """Why the handshake is refused; None lets it in, authenticated unless it will be later."""
    if handshake.refusal is not None or handshake.credential is None:
        return handshake.refusal
    try:
        admitted(scope, await authenticate(handshake.credential, counting=True))
    except HQError as refusal:
        return refusal
    return None


async def authenticate(credential: Credential, *, counting: bool = False) -> Authenticated:
    """Who the credential stands for; `Unauthorized`, or `Unavailable` without a database.

    With `counting` the agent's open connections on all workers are counted in the same query.
    """
    check = tickets.redeem_ticket if credential.carrier is Carrier.TICKET else sessions.check_access
    try:
        return await threads.in_command_thread(check, credential.value, counting=counting)
    except DatabaseFailure as error:
        logger.warning("a credential could not be checked (%s)", type(error).__name__)
        raise Unavailable from None


def admitted(scope: Scope, authenticated: Authenticated) -> None:
    """A credential was good: the socket no longer counts as waiting.

    `RateLimited` when the agent has as many sockets open as it may have.
    """
    here = watch.current().sockets_of(authenticated.agent.pk)
    if max(here, authenticated.open_connections) >= settings.HQ_SOCKETS_PER_AGENT:
        raise RateLimited("Too many connections.")
    scope["user"], scope["hq_session"] = authenticated.agent, authenticated
    scope["hq_place"].leave()


def address_of(scope: Scope) -> str | None:
    """The client's address by the trusted proxies of the settings."""
    client = scope.get("client")
    forwarded = [
        value.decode("latin-1") for name, value in scope["headers"] if name == b"x-forwarded-for"
    ]
    return client_address(client[0] if client else None, forwarded, settings.HQ_TRUSTED_PROXIES)


def user_agent_of(scope: Scope) -> str:
    """What the client says it is: printable, and cut to what a row keeps."""
    said = next((value for name, value in scope["headers"] if name == b"user-agent"), b"")
    return sessions.printable(said.decode("latin-1"))[: sessions.USER_AGENT_LENGTH]


def close_code_of(refusal: HQError) -> CloseCode:
    """The close code that stands for a refusal."""
    if isinstance(refusal, RateLimited):
        return CloseCode.TOO_MANY_CONNECTIONS
    if isinstance(refusal, Unavailable):
        return CloseCode.TRY_AGAIN_LATER
    return CloseCode.UNAUTHORIZED


def close_reason_of(refusal: HQError) -> str:
    """The close reason that stands for a refusal."""
    return refusal.close_reason if isinstance(refusal, Unauthorized) else refusal.message


async def no_such_path(scope: Scope, receive: Receive, send: Send) -> None:
    """The application of every path that has none: HTTP 404 to the handshake."""
    scope["hq_address"] = address_of(scope)
    Trail(scope).no_such_path()
    await _deny(scope, receive, send, NotFound())


async def _refuse(
    scope: Scope, receive: Receive, send: Send, handshake: Handshake, refusal: HQError
) -> None:
    Trail(scope).refused(refusal)
    if not handshake.from_browser:
        await _deny(scope, receive, send, refusal)
        return
    await receive()
    await send({"type": "websocket.accept", "subprotocol": handshake.subprotocol})
    if isinstance(refusal, Unauthorized):
        frame = AuthFailed(code=refusal.code, message=refusal.message)
        await send({"type": "websocket.send", "text": encode_frame(frame).decode()})
    await send(
        {
            "type": "websocket.close",
            "code": int(close_code_of(refusal)),
            "reason": close_reason_of(refusal),
        }
    )


async def _deny(scope: Scope, receive: Receive, send: Send, refusal: HQError) -> None:
    """An HTTP answer where the server can give one (ASGI denial response), else a plain refusal."""
    await receive()
    if "websocket.http.response" not in (scope.get("extensions") or {}):
        await send({"type": "websocket.close", "code": int(close_code_of(refusal))})
        return
    headers = [(b"content-type", b"application/json"), (b"cache-control", b"no-store")]
    if refusal.status == 401:
        headers.append((b"www-authenticate", b'Bearer error="invalid_token"'))
    if isinstance(refusal, RateLimited):
        headers.append((b"retry-after", b"%d" % refusal.retry_after))
    body = msgspec.json.encode({"code": refusal.code, "message": refusal.message})
    headers.append((b"content-length", b"%d" % len(body)))
    await send(
        {"type": "websocket.http.response.start", "status": refusal.status, "headers": headers}
    )
    await send({"type": "websocket.http.response.body", "body": body})
