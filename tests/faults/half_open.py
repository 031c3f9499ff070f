"""A client that is gone without a word, and when the others no longer see it.

Runs beside other tests, in a thread of its own: it takes the best part of a minute.
"""

import asyncio
import contextlib
import threading
import time
import uuid

from tests.cast import DIRECTOR, OPERATIVE
from tests.faults.proxy import FaultyProxy
from tests.faults.site import Site
from tests.rest_client import RestClient
from tests.socket_client import SocketClient


class HalfOpen:
    """An operative behind a network that swallows everything from `since` on."""

    def __init__(self, site: Site) -> None:
        self.node = site.nodes[-1]
        self.gone_after: float | None = None
        self.error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="half-open", daemon=True)
        self._thread.start()

    def wait(self, within: float) -> float:
        """Seconds after which presence no longer had it."""
        self._thread.join(within)
        if self.error is not None:
            raise self.error
        assert self.gone_after is not None, "It is still there."
        return self.gone_after

    def _run(self) -> None:
        try:
            asyncio.run(self._watch())
        except BaseException as error:  # noqa: BLE001  (told to whoever waits)
            self.error = error

    async def _watch(self) -> None:
        with FaultyProxy(self.node.port) as path:
            async with RestClient(self.node) as director, RestClient(self.node) as operative:
                await director.login(DIRECTOR)
                await operative.login(OPERATIVE)
                mission = await director.create_mission(f"Half open {uuid.uuid4()}")
                await director.add(mission, operative, director)
                watching = await SocketClient.open(
                    self.node, director.access, query=f"missions={mission}"
                )
                async with watching:
                    await self._vanish(path, operative, watching, mission)

    async def _vanish(
        self, path: FaultyProxy, operative: RestClient, watching: SocketClient, mission: str
    ) -> None:
        straight, self.node.socket_url = (
            self.node.socket_url,
            self.node.socket_url.replace(f":{self.node.port}/", f":{path.port}/"),
        )
        try:
            client = await SocketClient.open(
                self.node, operative.access, query=f"missions={mission}"
            )
        finally:
            self.node.socket_url = straight
        await client.expect("subscribed")
        await listed(watching, 2)
        path.stall()
        since = time.monotonic()
        await listed(watching, 1)
        self.gone_after = time.monotonic() - since
        client.connection.transport.abort()


async def listed(watching: SocketClient, count: int) -> None:
    """Waits for a list of so many, a minute and a half at most."""
    async with asyncio.timeout(90):
        while True:
            lists = [frame for frame in watching.frames if frame["type"] == "presence"]
            if lists and len(lists[-1]["agents"]) == count:
                return
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(watching.arrival(), 1)
