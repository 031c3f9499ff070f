"""Handshakes as clients make them, and the two ways in which HQ refuses one.

A browser is a client that sends an Origin: it is let in and told why it must go. A program gets an
HTTP answer.
"""

import json
from dataclasses import dataclass, field
from urllib.parse import quote, urlencode

import pytest
import websockets

from tests.cast import HANDLER
from tests.hq_server import HQServer
from tests.ledger import Frame
from tests.socket_client import SocketClient
from tests.tokens import expired, forged


@dataclass
class Carried:
    """How a credential goes into a handshake."""

    query: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    subprotocols: list[str] | None = None
    echoed: str | None = None


def carried(carrier: str, token: str) -> Carried:
    """The handshake that brings that token by that carrier."""
    return {
        "query token": lambda: Carried(query=f"token={token}"),
        "query authorization": lambda: Carried(query=f"authorization={token}"),
        "query bearer": lambda: Carried(query=f"authorization={quote(f'Bearer {token}')}"),
        "query bearer of a form": lambda: Carried(
            query=urlencode({"authorization": f"Bearer {token}"})
        ),
        "header": lambda: Carried(headers={"Authorization": f"Bearer {token}"}),
        "header token": lambda: Carried(headers={"token": token}),
        "sub-protocol": lambda: Carried(subprotocols=["hq.v1", f"bearer.{token}"], echoed="hq.v1"),
        "bare sub-protocol": lambda: Carried(subprotocols=[token], echoed=token),
    }[carrier]()


CARRIERS = (
    "query token",
    "query authorization",
    "query bearer",
    "query bearer of a form",
    "header",
    "header token",
    "sub-protocol",
    "bare sub-protocol",
)
BAD = {"expired": (expired, "token_expired"), "forged": (forged, "token_invalid")}
REASONS = {
    "token_expired": "Unauthorized: Token Expired",
    "token_invalid": "Unauthorized: Invalid Token",
    "token_missing": "Unauthorized: Token Required",
    "auth_timeout": "Unauthorized: Timeout",
}


async def connect(hq: HQServer, how: Carried, origin: str | None) -> SocketClient:
    """A socket opened with that handshake."""
    return await SocketClient.open(
        hq, query=how.query, headers=how.headers, subprotocols=how.subprotocols, origin=origin
    )


async def assert_welcome(hq: HQServer, how: Carried, origin: str | None) -> None:
    """The socket opens, says who it is for, and names the sub-protocol."""
    async with await connect(hq, how, origin) as socket:
        assert (await socket.next())["type"] == "welcome"
        assert socket.ledger.agent is not None
        assert socket.ledger.agent["codename"] == HANDLER.codename
        assert socket.connection.subprotocol == how.echoed


async def assert_refused(hq: HQServer, how: Carried, origin: str | None, code: str) -> None:
    """A browser is let in, told, and closed; a program gets 401 as HTTP."""
    if origin is None:
        await assert_http_refusal(hq, how, origin, 401, code)
        return
    async with await connect(hq, how, origin) as socket:
        assert socket.connection.subprotocol == how.echoed
        await assert_told_and_closed(socket, code)


async def assert_told_and_closed(socket: SocketClient, code: str) -> None:
    """One `auth_failed`, nothing else, then 4001 with the reason."""
    assert await socket.closed() == (4001, REASONS[code])
    assert [frame["type"] for frame in socket.frames] == ["auth_failed"]
    assert socket.frames[0]["code"] == code
    assert socket.frames[0]["message"]


async def assert_http_refusal(
    hq: HQServer, how: Carried, origin: str | None, status: int, code: str
) -> None:
    """The handshake is answered by an HTTP error of the contract."""
    with pytest.raises(websockets.InvalidStatus) as refused:
        await connect(hq, how, origin)
    response = refused.value.response
    body: Frame = json.loads(response.body or b"{}")
    assert (response.status_code, body["code"]) == (status, code)
    assert body["message"]
    if status == 401:
        assert response.headers["WWW-Authenticate"] == 'Bearer error="invalid_token"'
