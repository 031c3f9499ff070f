"""A WebSocket in this process: drives the application as a server does, one message at a time.

Waits for events and never for time: every wait ends with a message, or fails after ten seconds.
"""

import asyncio
import json
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import quote

from missions.routing import websocket_application
from tests.patience import PATIENCE

ORIGIN = "http://localhost:8000"
Frame = dict[str, Any]

application = websocket_application


class Refused(Exception):
    """The handshake ended with an HTTP answer: `status`, `headers`, `body`."""

    def __init__(self, start: dict[str, Any], body: bytes) -> None:
        self.status: int = start["status"]
        self.headers = dict(start["headers"])
        self.body = json.loads(body)
        super().__init__(f"{self.status} {self.body}")


class Unanswered(Exception):
    """The handshake was closed before it was accepted."""


class Wire:
    """One WebSocket, as the server between client and application sees it."""

    def __init__(self, scope: dict[str, Any]) -> None:
        self.scope = scope
        self.accepted: dict[str, Any] | None = None
        self.closed: tuple[int, str] | None = None
        self._to_app: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._from_app: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._reads = asyncio.Event()
        self._reads.set()
        self.task = asyncio.get_running_loop().create_task(
            application(scope, self._to_app.get, self._send)
        )

    @classmethod
    async def open(
        cls,
        token: str | None = None,
        *,
        query: str = "",
        headers: Iterable[tuple[bytes, bytes]] = (),
        origin: str | None = None,
        subprotocols: Iterable[str] = (),
        denial: bool = True,
        client: tuple[str, int] = ("192.0.2.1", 4711),
        path: str = "/missions",
    ) -> "Wire":
        """A socket that was accepted; `Refused` or `Unanswered` when it was not."""
        if token is not None:
            query = "&".join(part for part in (f"token={quote(token)}", query) if part)
        sent = [*headers]
        if origin is not None:
            sent.append((b"origin", origin.encode()))
        wire = cls(
            {
                "type": "websocket",
                "path": path,
                "headers": sent,
                "query_string": query.encode(),
                "subprotocols": [*subprotocols],
                "client": client,
                "extensions": {"websocket.http.response": {}} if denial else {},
            }
        )
        wire._to_app.put_nowait({"type": "websocket.connect"})
        first = await wire._next()
        if first["type"] == "websocket.http.response.start":
            body = await wire._next()
            await wire.ended()
            raise Refused(first, body["body"])
        if first["type"] == "websocket.close":
            await wire.ended()
            raise Unanswered(first["code"])
        assert first["type"] == "websocket.accept"
        wire.accepted = first
        return wire

    def send(self, kind: str, /, **fields: Any) -> None:
        """Sends a frame."""
        self.text(json.dumps({"type": kind, **fields}))

    def text(self, text: str) -> None:
        """Sends any text."""
        self._to_app.put_nowait({"type": "websocket.receive", "text": text})

    def binary(self, content: bytes) -> None:
        """Sends a binary frame."""
        self._to_app.put_nowait({"type": "websocket.receive", "bytes": content})

    async def frame(self) -> Frame:
        """The next frame but `presence`, which comes when it likes; fails if a close comes."""
        while True:
            message = await self._next()
            assert message["type"] == "websocket.send", message
            frame: Frame = json.loads(message["text"])
            if frame["type"] != "presence":
                return frame

    async def until(self, wanted: Callable[[Frame], bool]) -> list[Frame]:
        """The frames up to the first that is wanted, which comes last."""
        frames = [await self.frame()]
        while not wanted(frames[-1]):
            frames.append(await self.frame())
        return frames

    async def expect(self, kind: str, /, **fields: Any) -> Frame:
        """The next frame, which has this type and these fields."""
        frame = await self.frame()
        assert frame["type"] == kind, frame
        assert {name: frame.get(name) for name in fields} == fields, frame
        return frame

    async def ask(self, kind: str, /, **fields: Any) -> Frame:
        """The answer to a frame, whatever comes in between."""
        self.send(kind, id="asked", **fields)
        return (await self.until(lambda frame: frame.get("id") == "asked"))[-1]

    async def fence(self) -> list[Frame]:
        """What was sent before the answer to a ping."""
        self.send("ping", id="fence")
        return (await self.until(lambda frame: frame["type"] == "pong"))[:-1]

    async def close(self) -> tuple[int, str]:
        """The code and reason with which HQ closes; frames before it are passed over."""
        while True:
            message = await self._next()
            if message["type"] == "websocket.close":
                self.closed = message["code"], message.get("reason", "")
                return self.closed

    async def ended(self) -> None:
        """The client is gone, and the application came to its end."""
        self._reads.set()
        self._to_app.put_nowait({"type": "websocket.disconnect", "code": 1006})
        async with asyncio.timeout(PATIENCE):
            await self.task

    def stop_reading(self) -> None:
        """The client takes nothing more."""
        self._reads.clear()

    def read_again(self) -> None:
        """The client takes what waits."""
        self._reads.set()

    async def _next(self) -> dict[str, Any]:
        async with asyncio.timeout(PATIENCE):
            return await self._from_app.get()

    async def _send(self, message: Any) -> None:
        await self._reads.wait()
        self._from_app.put_nowait(message)
