"""Somebody at an address of 127.0.0.0/8 who tries to get in: over REST, and by sockets."""

import json
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from types import TracebackType
from typing import Any, NamedTuple, Self

import httpx
import websockets

from tests.hq_server import HQServer
from tests.ledger import Frame
from tests.patience import PATIENCE
from tests.serving.wire import Wire
from tests.socket_client import SocketClient


class Outcome(NamedTuple):
    """What an attempt came to.

    `status`: of HTTP, or the code of the close. `rights`: role and clearance that the answer tells
    the agent, if it does.
    """

    admitted: bool
    status: int
    code: str = ""
    rights: tuple[str, str] | None = None


class Attacker:
    """One client address."""

    def __init__(self, server: HQServer, address: str) -> None:
        self.server = server
        self.address = address
        self.http = httpx.AsyncClient(
            base_url=server.url,
            timeout=PATIENCE,
            transport=httpx.AsyncHTTPTransport(local_address=address),
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        where: TracebackType | None,
    ) -> None:
        await self.http.aclose()

    def wire(self) -> Wire:
        """Bytes from this address."""
        return Wire(self.server, local_address=self.address)

    async def open(
        self,
        token: str | None = None,
        *,
        query: str = "missions=none",
        headers: dict[str, str] | None = None,
        subprotocols: Sequence[str] | None = None,
        origin: str | None = None,
    ) -> SocketClient:
        """A socket from this address."""
        return await SocketClient.open(
            self.server,
            token,
            query=query,
            headers=headers,
            subprotocols=subprotocols,
            origin=origin,
            local_address=self.address,
        )

    async def attempt(self, **how: Any) -> Outcome:
        """What a handshake comes to."""
        try:
            socket = await self.open(**how)
        except websockets.InvalidStatus as refused:
            return outcome_of(refused)
        async with socket:
            return await settled(socket)

    async def call(self, method: str, path: str, **how: Any) -> Outcome:
        """What a REST call comes to."""
        answer = await self.http.request(method, path, **how)
        self.http.cookies.clear()
        if answer.is_success:
            return Outcome(True, answer.status_code, rights=rights(answer))
        assert answer.headers["Content-Type"] == "application/json", answer.text
        body: Frame = answer.json()
        assert body.keys() <= {"code", "message", "field"}
        return Outcome(False, answer.status_code, body["code"])


def rights(answer: httpx.Response) -> tuple[str, str] | None:
    """What an answer tells an agent of itself."""
    said: Frame = answer.json() if answer.content else {}
    return (said["role"], said["clearance"]) if "clearance" in said else None


def outcome_of(refused: websockets.InvalidStatus) -> Outcome:
    """An HTTP answer to a handshake."""
    answer = refused.response
    body: Frame = json.loads(bytes(answer.body or b"{}"))
    return Outcome(False, answer.status_code, body["code"])


async def settled(socket: SocketClient) -> Outcome:
    """Whether the next frame lets the socket in, or why the socket was closed."""
    first = await socket.next()
    if first["type"] in ("welcome", "refreshed", "pong"):
        agent = first.get("agent")
        return Outcome(True, 101, rights=agent and (agent["role"], agent["clearance"]))
    assert first.keys() == {"type", "code", "message"}
    return Outcome(False, (await socket.closed())[0], first["code"])


def rows(server: HQServer, statement: str, *values: Any) -> list[tuple[Any, ...]]:
    """Reads or changes the database of a server on SQLite, beside it."""
    path = server.log.with_name("hq.sqlite3")
    with closing(sqlite3.connect(path, timeout=20)) as database, database:
        return database.execute(statement, values).fetchall()
