"""A TCP proxy that does what bad networks do: stalls, cuts, delays, and slices into single bytes.

Runs in a thread with a loop of its own, so that a test may block while processes start behind it.
Stands between a worker and Redis or PostgreSQL, or between a client and HQ.
"""

import asyncio
import contextlib
import threading
from types import TracebackType
from typing import Self

from tests.processes import free_port

CHUNK = 65_536


class FaultyProxy:
    """Forwards from `port` to the target's port on 127.0.0.1, as well as it is told to.

    Bytes of one connection are never lost, changed or put out of order, unless the connection ends:
    what TCP itself promises.
    """

    def __init__(self, target: int) -> None:
        self.target = target
        self.port = free_port()
        self._one_way = 0.0
        self._slice = CHUNK
        self._refusing = False
        self._loop = asyncio.new_event_loop()
        self._flowing = asyncio.Event()
        self._flowing.set()
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._thread = threading.Thread(target=self._run, name=f"proxy to {target}", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._listen(), self._loop).result(10)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        where: TracebackType | None,
    ) -> None:
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    def stall(self) -> None:
        """Takes connections and bytes, and passes nothing on: nobody is told."""
        self._loop.call_soon_threadsafe(self._flowing.clear)

    def cut(self) -> None:
        """Resets every connection and refuses new ones."""
        self._refusing = True
        self._loop.call_soon_threadsafe(self._abort_all)

    def delay(self, seconds: float) -> None:
        """Holds all bytes back for so long in each direction."""
        self._one_way = seconds

    def slice(self, size: int) -> None:
        """Passes on so many bytes at a time."""
        self._slice = size

    def heal(self) -> None:
        """Is a good network again. What was stalled goes on, what was cut may come back."""
        self._refusing, self._one_way, self._slice = False, 0.0, CHUNK
        self._loop.call_soon_threadsafe(self._flowing.set)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_forever()

    async def _listen(self) -> None:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", self.port)

    async def _end(self) -> None:
        self._server.close()
        self._abort_all()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _abort_all(self) -> None:
        for writer in list(self._writers):
            writer.transport.abort()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        if self._refusing:
            writer.transport.abort()
            return
        try:
            there, back = await asyncio.open_connection("127.0.0.1", self.target)
        except OSError:
            writer.transport.abort()
            return
        both = {writer, back}
        self._writers |= both
        try:
            async with asyncio.TaskGroup() as pumps:
                pumps.create_task(self._pump(reader, back))
                pumps.create_task(self._pump(there, writer))
        except* OSError:
            pass
        finally:
            self._writers -= both
            for one in both:
                one.transport.abort()

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One direction: bytes leave in order, each not before its time."""
        due: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue(64)
        emptying = asyncio.create_task(self._empty(due, writer))
        try:
            while data := await reader.read(CHUNK):
                await due.put((self._loop.time() + self._one_way, data))
            await due.put((0.0, b""))
            await emptying
        finally:
            emptying.cancel()

    async def _empty(
        self, due: "asyncio.Queue[tuple[float, bytes]]", writer: asyncio.StreamWriter
    ) -> None:
        while True:
            at, data = await due.get()
            if (early := at - self._loop.time()) > 0:
                await asyncio.sleep(early)
            await self._flowing.wait()
            if not data:
                with contextlib.suppress(OSError):
                    writer.write_eof()
                return
            size = self._slice
            for start in range(0, len(data), size):
                writer.write(data[start : start + size])
                await writer.drain()
                if size < len(data):
                    await asyncio.sleep(0)
