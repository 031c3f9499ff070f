"""Clients under fault: they read, and come back by the rules of the protocol."""

import asyncio
import itertools
import random
from collections.abc import Sequence

import websockets

from tests.cast import OUTSIDER, Member
from tests.faults.oracle import looker_for
from tests.faults.witness import RECOVERED_MOST, Witness
from tests.hq_server import HQServer
from tests.ledger import Frame, Violation
from tests.rest_client import RestClient
from tests.socket_client import SocketClient

NOT_AGAIN = (4001, 4003)
"""Close codes after which only a new token or login helps."""


class Follower:
    """One client of one agent: reads, and resumes what it holds whenever its socket closes."""

    def __init__(
        self, rest: RestClient, member: Member, mission: str, nodes: Sequence[HQServer]
    ) -> None:
        self.rest = rest
        self.member = member
        self.mission = mission
        self.nodes = nodes
        self.ledger = Witness(looker_for(member, assigned=member is not OUTSIDER))
        self.closes: list[int] = []
        self.refusals: list[int] = []
        self.snapshots = 0
        self.resumes = 0
        self.denied = 0
        self.socket: SocketClient | None = None
        self.welcomed = asyncio.Event()
        self._tries = 0
        self._refused: asyncio.Future[int] | None = None
        self._task = asyncio.create_task(self._run())

    @property
    def over(self) -> bool:
        """Whether it may not come back. Raises what went wrong in the follower itself."""
        if self._task.done() and not self._task.cancelled():
            self._task.result()
        return self._task.done()

    async def stop(self) -> None:
        """Leaves; raises what went wrong in it."""
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        if not self._task.cancelled() and (error := self._task.exception()):
            raise error

    async def refused(self, within: float) -> int:
        """Waits for its next refusal; the status, 0 where there was no answer."""
        self._refused = asyncio.get_running_loop().create_future()
        return await asyncio.wait_for(self._refused, within)

    async def ended(self, within: float) -> int:
        """Waits until it may not come back; the last close code, or status of a refusal."""
        await asyncio.wait_for(asyncio.shield(self._task), within)
        return [*self.closes, *self.refusals][-1]

    async def _run(self) -> None:
        for node in itertools.cycle(self.nodes):
            try:
                code = await self._follow(node)
            except websockets.InvalidStatus as refused:
                self._refuse(refused.response.status_code)
                if refused.response.status_code == 401:
                    return
            except (OSError, TimeoutError, websockets.WebSocketException):
                self._refuse(0)
            except Violation:  # counted by the witness; such a client begins anew
                self.ledger.rooms.clear()
            else:
                self.closes.append(code)
                if code in NOT_AGAIN:
                    return
            pause = min(30.0, 0.5 * 2**self._tries)
            self._tries += 1
            await asyncio.sleep(random.uniform(0, pause))

    def _refuse(self, status: int) -> None:
        self.refusals.append(status)
        if self._refused is not None and not self._refused.done():
            self._refused.set_result(status)

    async def _follow(self, node: HQServer) -> int:
        self.ledger.agent = None  # a new socket says welcome anew
        socket = await SocketClient.open(
            node, self.rest.access, query="missions=none", ledger=self.ledger
        )
        socket.most = 100
        try:
            if not await self._subscribe(socket):
                return await socket.ended()
            self.socket, self._tries = socket, 0
            self.welcomed.set()
            return await socket.ended()
        finally:
            self.socket = None
            self.welcomed.clear()
            await socket.connection.close()

    async def _subscribe(self, socket: SocketClient) -> bool:
        """Resumes; whether the socket lived to the answer. A mission unseen is answered too."""
        cursor: Frame = {}
        seq = 0
        if self.mission in self.ledger.rooms:
            after, epoch = self.ledger.cursor(self.mission)
            cursor, seq = {"after": after, "epoch": epoch}, self.ledger.rooms[self.mission].seq
        try:
            answer = await socket.ask("subscribe", mission=self.mission, **cursor)
        except (AssertionError, websockets.ConnectionClosed):
            return False
        if answer["type"] == "error" and answer["code"] == "unavailable":
            await socket.connection.close()
            return False
        if answer["type"] == "subscribed":
            self.resumes += answer["recovered"]
            self.snapshots += not answer["recovered"]
            followed = answer["epoch"] == cursor.get("epoch")
            missed = answer["seq"] - seq
            self.denied += followed and missed < RECOVERED_MOST and not answer["recovered"]
        return True
