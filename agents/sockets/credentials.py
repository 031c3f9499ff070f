"""What a WebSocket handshake carries: its Origin, its credentials, its sub-protocols.

Reads and rules, but verifies no token and touches no database: `agents.sockets.middleware` does.
Explicit credentials (all but the cookie) win over the cookie; more than one is refused; the
cookie counts only with HQ's own Origin (CSWSH: RFC 6455, section 10.2). The Host header never
decides.
"""

import enum
import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple
from urllib.parse import unquote_to_bytes

from django.conf import settings

from agents.errors import OriginRefused, TokenInvalid, TokenMissing, Unauthorized
from agents.protocol import SUBPROTOCOL

Headers = Iterable[tuple[bytes, bytes]]

_BEARER = re.compile(r"^bearer +([^ ]+)$", re.IGNORECASE)
_QUERY_BEARER = re.compile(r"^bearer[ +]+([^ +]+)$", re.IGNORECASE)
"""A form writes a space as `+`; no token holds one."""

_LIKE_A_JWT = re.compile(r"^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*$")


class Carrier(enum.StrEnum):
    """How a credential came."""

    TICKET = "ticket"
    QUERY = "query"
    HEADER = "header"
    SUBPROTOCOL = "subprotocol"
    COOKIE = "cookie"
    FIRST_MESSAGE = "first message"


class Credential(NamedTuple):
    carrier: Carrier
    value: str


class Handshake(NamedTuple):
    """What a handshake brought, already ruled on.

    `credential` None means: wait for the first message. `refusal` wins over both. `from_browser`
    says whether the client sent an Origin, so that a refusal must be told over an open socket.
    """

    from_browser: bool
    subprotocol: str | None
    credential: Credential | None
    refusal: Unauthorized | None


def origin_allowed(origin: str) -> bool:
    """Whether a page of that origin may connect at all, with an explicit credential at least."""
    return origin in settings.HQ_PUBLIC_ORIGINS or origin in settings.HQ_ALLOWED_ORIGINS


def read_handshake(
    headers: Headers, query_string: bytes, subprotocols: Sequence[str], cookie_name: str
) -> Handshake:
    """The ruling on a handshake; `OriginRefused` whatever else it brought."""
    origins = [value.decode("latin-1") for name, value in headers if name == b"origin"]
    if len(origins) > 1 or any(not origin_allowed(origin) for origin in origins):
        raise OriginRefused
    own = bool(origins) and origins[0] in settings.HQ_PUBLIC_ORIGINS
    echo = _echo(subprotocols)
    try:
        explicit = [
            *_from_query(query_string),
            *_from_headers(headers),
            *_from_subprotocols(subprotocols),
        ]
        if len(explicit) > 1:
            raise TokenInvalid("Send one credential, not several.")
        credential = (
            explicit[0] if explicit else (_from_cookies(headers, cookie_name) if own else None)
        )
        if credential is None and not origins and SUBPROTOCOL not in subprotocols:
            raise TokenMissing
    except Unauthorized as refusal:
        return Handshake(bool(origins), echo, None, refusal)
    return Handshake(bool(origins), echo, credential, None)


def chosen_missions(query_string: bytes) -> list[str] | None:
    """The ids in `missions=ID,ID`, none for `missions=none`; None when the URL does not choose."""
    for name, value in _parameters(query_string):
        if name == "missions":
            return [] if value == "none" else [one for one in value.split(",") if one]
    return None


def _echo(offered: Sequence[str]) -> str | None:
    """The sub-protocol to answer: `hq.v1`, else the first offered that looks like a credential."""
    if SUBPROTOCOL in offered:
        return SUBPROTOCOL
    return next((value for value in offered if _is_credential(value)), None)


def _is_credential(value: str) -> bool:
    return value.startswith("bearer.") or bool(_LIKE_A_JWT.match(value))


def _parameters(query_string: bytes) -> list[tuple[str, str]]:
    """Names and values; `+` stays `+` and `;` separates nothing. `TokenInvalid` unless UTF-8."""
    pairs = []
    for part in query_string.split(b"&"):
        name, _, value = part.partition(b"=")
        try:
            pairs.append((unquote_to_bytes(name).decode(), unquote_to_bytes(value).decode()))
        except UnicodeDecodeError:
            raise TokenInvalid from None
    return pairs


def _from_query(query_string: bytes) -> Iterable[Credential]:
    for name, value in _parameters(query_string):
        if name == "ticket":
            yield Credential(Carrier.TICKET, value)
        elif name == "token":
            yield Credential(Carrier.QUERY, value)
        elif name == "authorization":
            scheme = _QUERY_BEARER.match(value)
            yield Credential(Carrier.QUERY, scheme.group(1) if scheme else value)


def _from_headers(headers: Headers) -> Iterable[Credential]:
    for name, raw in headers:
        if name == b"authorization":
            yield Credential(Carrier.HEADER, bearer(raw.decode("latin-1")))
        elif name == b"token":
            yield Credential(Carrier.HEADER, raw.decode("latin-1"))


def bearer(value: str) -> str:
    """The token of an Authorization value; `TokenInvalid` for any other scheme or shape."""
    scheme = _BEARER.match(value.strip())
    if scheme is None:
        raise TokenInvalid
    return scheme.group(1)


def _from_subprotocols(offered: Sequence[str]) -> Iterable[Credential]:
    for value in offered:
        if _is_credential(value):
            yield Credential(Carrier.SUBPROTOCOL, value.removeprefix("bearer."))


def _from_cookies(headers: Headers, cookie_name: str) -> Credential | None:
    found = [
        value.strip()
        for header, raw in headers
        if header == b"cookie"
        for name, _, value in (part.partition("=") for part in raw.decode("latin-1").split(";"))
        if name.strip() == cookie_name
    ]
    if len(found) > 1:
        raise TokenInvalid
    return Credential(Carrier.COOKIE, found[0]) if found else None
