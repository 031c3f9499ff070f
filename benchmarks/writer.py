"""Writes updates through `missions.services`, as a second worker would: a write's whole way."""

import asyncio
import threading
import time
from types import TracebackType
from typing import Self

from agents import live
from benchmarks.announcements import AUDIENCES, Batch, mark
from benchmarks.cast import Cast
from missions import audiences, services
from missions.drafts import Draft
from missions.protocol import Kind


class Writer:
    """A publishing process: services in this thread, the layer's channel in a loop beside it."""

    def __init__(self, people: Cast) -> None:
        self._people = people
        self._sockets = {
            (mission, stream): 0
            for mission in range(len(people.missions))
            for stream in audiences.STREAMS
        }
        for seat in people.seats:
            self._sockets[seat.mission, seat.stream] += 1
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="layer")

    def __enter__(self) -> Self:
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._connect(), self._loop).result(10)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        asyncio.run_coroutine_threadsafe(live.aclose(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    @staticmethod
    async def _connect() -> None:
        live.current()

    def write(self, step: int, size: int, rate: float) -> tuple[Batch, float]:
        """Publishes `size` updates at `rate` a second; by how many ms the last was late."""
        deliveries = 0
        start, apart = time.monotonic_ns(), 1e9 / rate
        for number in range(size):
            due = start + int(number * apart)
            time.sleep(max(0.0, (due - time.monotonic_ns()) / 1e9))
            mission = number % len(self._people.missions)
            audience = AUDIENCES[number * 7 % len(AUDIENCES)]
            streams = audiences.streams_of(audience)
            deliveries += sum(self._sockets[mission, stream] for stream in streams)
            services.publish(
                self._people.author,
                self._people.missions[mission].pk,
                Draft(
                    kind=Kind.REPORT,
                    body="Two vehicles left the north gate for the river road, no escort seen.",
                    data={"mark": mark(f"{due:019d}", step, streams)},
                    classification=audience.classification,
                    roles=audience.roles,
                ),
            )
        late = (time.monotonic_ns() - start - (size - 1) * apart) / 1e6
        return Batch([], size, deliveries), late
