"""A program that holds one socket to HQ: reads every frame, keeps all, merges them by the rules.

`expect` waits for a frame, `drain` gives what came, `fence` proves that nothing else came: it
publishes something that this socket must get and returns all that was in front of it.
"""

import asyncio
import itertools
import json
from collections.abc import Awaitable, Callable, Sequence
from types import TracebackType
from typing import Any, Self

import websockets
from websockets.asyncio.client import ClientConnection, connect

from tests.hq_server import HQServer
from tests.ledger import Frame, Ledger
from tests.patience import PATIENCE


class SocketClient:
    """One open socket. `ledger` is what a correct client holds, `frames` is every frame."""

    def __init__(self, server: HQServer, connection: ClientConnection, ledger: Ledger) -> None:
        self.server = server
        self.connection = connection
        self.ledger = ledger
        self.frames: list[Frame] = []
        self.most: int | None = None  # frames that are kept; all, unless a test holds too many
        self._taken = 0
        self._arrived = asyncio.Condition()
        self._ids = itertools.count(1)
        self._reader = asyncio.create_task(self._read())

    @classmethod
    async def open(
        cls,
        server: HQServer,
        token: str | None = None,
        *,
        query: str = "",
        headers: dict[str, str] | None = None,
        subprotocols: Sequence[str] | None = None,
        origin: str | None = None,
        ledger: Ledger | None = None,
        local_address: str | None = None,
        worker: int | None = None,
    ) -> Self:
        """Opens a socket; `token` goes into the Authorization header, all else as given.

        `worker` is the one to serve it, else whichever comes first.
        """
        sent = dict(headers or {})
        if token is not None:
            sent["Authorization"] = f"Bearer {token}"
        connection = await connect(
            server.socket_url + (f"?{query}" if query else ""),
            origin=websockets.Origin(origin) if origin else None,
            additional_headers=sent,
            subprotocols=[websockets.Subprotocol(word) for word in subprotocols or []] or None,
            compression=None,
            max_size=None,
            max_queue=None,
            proxy=None,
            ssl=server.trust,
            close_timeout=2,
            open_timeout=PATIENCE,
            local_addr=(local_address, 0) if local_address else None,
            sock=await asyncio.to_thread(server.connection_to, worker) if worker else None,
        )
        return cls(server, connection, ledger or Ledger())

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        where: TracebackType | None,
    ) -> None:
        await self.close()

    @property
    def worker(self) -> int:
        """The process at the other end."""
        return self.server.worker_of(self.connection.local_address[1])

    async def close(self) -> None:
        """Closes the socket and raises what the reader found wrong."""
        await self.connection.close()
        await self._reader

    async def send(self, frame: Frame | str | bytes) -> None:
        """Sends a frame; text and bytes go out as they are."""
        await self.connection.send(json.dumps(frame) if isinstance(frame, dict) else frame)

    async def ask(self, kind: str, /, **fields: Any) -> Frame:
        """Sends a frame with an `id` and waits for the answer that repeats it."""
        asked = f"ask-{next(self._ids)}"
        await self.send({"type": kind, "id": asked, **fields})
        return await self._first(lambda frame: frame.get("id") == asked, f"answer to {kind}")

    async def expect(self, kind: str, /, **fields: Any) -> Frame:
        """The next frame of that type with these fields; those in front of it count as taken."""

        def wanted(frame: Frame) -> bool:
            return frame["type"] == kind and all(
                frame.get(name) == value for name, value in fields.items()
            )

        return await self._first(wanted, f"{kind} {fields}", take=True)

    async def next(self) -> Frame:
        """The very next frame."""
        return await self._first(lambda frame: True, "any frame", take=True)

    def drain(self) -> list[Frame]:
        """What came and was not taken yet."""
        rest, self._taken = self.frames[self._taken :], len(self.frames)
        return rest

    async def until(self, held: Callable[[Ledger], bool], what: str) -> None:
        """Waits until what the client holds satisfies the condition."""
        await self._wait(lambda: held(self.ledger), what)

    async def fence(self, publish: Callable[[], Awaitable[Frame]]) -> list[Frame]:
        """Everything that came, not taken before, in front of the update that `publish` makes.

        But presence, which comes on a beat of its own.
        """
        update = await publish()
        start = self._taken
        await self.expect_update(update["id"])
        between = self.frames[start : self._taken - 1]
        return [frame for frame in between if frame["type"] != "presence"]

    async def expect_update(self, update_id: str) -> Frame:
        """The live frame of that update."""
        return await self._first(
            lambda frame: frame["type"] == "update" and frame["update"]["id"] == update_id,
            f"update {update_id}",
            take=True,
        )

    async def expect_fence(self, update_id: str) -> str:
        """The type of the frame that brings that update: its own, or a snapshot with it."""

        def brings(frame: Frame) -> bool:
            if frame["type"] == "subscribed":
                return any(one["update"]["id"] == update_id for one in frame["updates"])
            return frame["type"] == "update" and bool(frame["update"]["id"] == update_id)

        frame = await self._first(brings, f"a frame with {update_id}", take=True)
        return str(frame["type"])

    async def closed(self) -> tuple[int, str]:
        """Code and reason of the close, once the server has closed."""
        await asyncio.wait_for(self.connection.wait_closed(), PATIENCE)
        await self._reader
        return self.connection.close_code or 0, self.connection.close_reason or ""

    async def arrival(self) -> None:
        """Waits for one more frame, however long it takes."""
        async with self._arrived:
            await self._arrived.wait()

    async def ended(self) -> int:
        """The code of the close, however long it lasts until then."""
        await asyncio.shield(self._reader)
        return self.connection.close_code or 0

    async def _first(
        self, wanted: Callable[[Frame], bool], what: str, *, take: bool = False
    ) -> Frame:
        start = self._taken

        def found() -> int | None:
            return next(
                (at for at in range(start, len(self.frames)) if wanted(self.frames[at])), None
            )

        await self._wait(lambda: found() is not None, what)
        at = found()
        assert at is not None
        if take:
            self._taken = at + 1
        return self.frames[at]

    async def _wait(self, condition: Callable[[], bool], what: str) -> None:
        def settled() -> bool:
            return condition() or self._reader.done()

        try:
            async with asyncio.timeout(PATIENCE), self._arrived:
                await self._arrived.wait_for(settled)
        except TimeoutError:
            raise AssertionError(f"{what} did not come. Untaken: {self._rest()}") from None
        if not condition():
            self._reader.result()
            raise AssertionError(
                f"{what} did not come before the close with {self.connection.close_code} "
                f"{self.connection.close_reason!r}. Untaken: {self._rest()}"
            )

    def _rest(self) -> list[str]:
        return [json.dumps(frame)[:200] for frame in self.frames[self._taken :][-5:]]

    async def _read(self) -> None:
        try:
            async for message in self.connection:
                frame = json.loads(message)
                self.frames.append(frame)
                self._forget()
                self.ledger.apply(frame)
                async with self._arrived:
                    self._arrived.notify_all()
        except websockets.ConnectionClosed:
            pass
        finally:
            self._wake = asyncio.create_task(self._say_done())

    def _forget(self) -> None:
        if self.most is not None and len(self.frames) > 2 * self.most:
            gone = len(self.frames) - self.most
            del self.frames[:gone]
            self._taken = max(0, self._taken - gone)

    async def _say_done(self) -> None:
        await asyncio.wait([self._reader])
        async with self._arrived:
            self._arrived.notify_all()
