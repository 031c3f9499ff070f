"""A correct client in a random world: it merges, resumes, and knows what HQ owes it.

Frames reach it in the turn in which they are sent. What breaks the protocol is kept in `wrong`,
because whoever sends frames must not learn of it.
"""

import asyncio
import json
from typing import Any, Self

from agents.tests.wire import Frame, Wire
from tests.ledger import Ledger, Violation
from tests.patience import PATIENCE

NOBODY = "3f0e7f6a-0000-4000-8000-000000000000"


class Line(Wire):
    """A socket whose frames go to the client at once, also those from before it had one."""

    client: "Client | None" = None

    def __init__(self, scope: dict[str, Any]) -> None:
        self.early: list[dict[str, Any]] = []
        super().__init__(scope)

    def belongs_to(self, client: "Client") -> Self:
        """Hands over what came already, and all that comes."""
        self.client = client
        for message in self.early:
            client.hear(message)
        return self

    async def _send(self, message: Any) -> None:
        if message["type"] not in ("websocket.send", "websocket.close"):
            await super()._send(message)
            return
        await self._reads.wait()
        if self.client is None:
            self.early.append(message)
        else:
            self.client.hear(message)


class Client:
    """One client of one agent. `owed` are the missions it must be subscribed to, as long as it may.

    `chooses`: it opens with `missions=none`, and is subscribed to what it asks for alone.
    """

    def __init__(self, agent: str, *, chooses: bool) -> None:
        self.agent = agent
        self.session = ""
        self.chooses = chooses
        self.ledger = Ledger()
        self.owed: set[str] = set()
        self.code: int | None = None
        self.frames: list[Frame] = []
        self.wrong: list[str] = []
        self.line: Line | None = None
        self._known: set[str] = set()
        self._had: set[str] = set()
        self._asked: dict[str, Frame] = {}
        self._answers: dict[str, asyncio.Future[None]] = {}

    @property
    def open(self) -> bool:
        """Whether there is a socket that neither side has closed."""
        return self.line is not None and self.code is None

    @property
    def reads(self) -> bool:
        """Whether its socket is open and it takes what comes."""
        return self.line is not None and self.open and self.line._reads.is_set()

    async def connect(self, token: str, session: str) -> None:
        """Opens a socket, and resumes what is held."""
        held = list(self.ledger.rooms)
        self.ledger.agent, self.code, self.session = None, None, session
        self._answers.clear()
        line = await Line.open(token, query="missions=none" if self.chooses else "")
        assert isinstance(line, Line)
        self.line = line.belongs_to(self)
        for mission in held:
            self.subscribe(mission, resume=True)

    async def leave(self) -> None:
        """The network is gone; what is held stays."""
        line, self.line = self.line, None
        if line is not None:
            line.client = None
            await line.ended()

    def subscribe(self, mission: str, *, resume: bool) -> None:
        """Asks for a mission, from what is held or anew."""
        cursor: Frame = {}
        if resume and mission in self.ledger.rooms:
            after, epoch = self.ledger.cursor(mission)
            cursor = {"after": after, "epoch": epoch}
        self._say("subscribe", mission=mission, **cursor)

    async def ask(self, kind: str, /, **fields: Any) -> None:
        """Sends a frame and waits for its answer, or the end of the socket."""
        if not self.open:  # its end came when the loop went on, before this
            return
        asked = self._say(kind, **fields)
        answered = self._answers[asked] = asyncio.get_running_loop().create_future()
        async with asyncio.timeout(PATIENCE):
            await answered

    async def fence(self) -> None:
        """Until everything that the consumer was doing for this socket is done and sent."""
        if self.open:
            await self.ask("unsubscribe", mission=NOBODY)

    def hear(self, message: dict[str, Any]) -> None:
        """Takes what the application sent."""
        if message["type"] == "websocket.close":
            self.code = int(message["code"])
            for asked in list(self._answers):
                self._answers.pop(asked).set_result(None)
            return
        frame: Frame = json.loads(message["text"])
        self.frames.append(frame)
        try:
            self._note(frame)
            self.ledger.apply(frame)
        except Violation as violation:
            self.wrong.append(f"{violation} {frame}")
        asked = str(frame.get("id"))
        if asked in self._answers:
            self._answers.pop(asked).set_result(None)

    def _say(self, kind: str, /, **fields: Any) -> str:
        assert self.line is not None
        asked = f"{kind}-{len(self._asked)}"
        self._asked[asked] = fields
        self.line.send(kind, id=asked, **fields)
        return asked

    def _note(self, frame: Frame) -> None:
        """What the frame makes HQ owe, and whether it gives what a resume was owed."""
        match frame["type"]:
            case "welcome":
                self._had.clear()
                self._known = {mission["id"] for mission in frame["missions"]}
                going = {
                    mission["id"]
                    for mission in frame["missions"]
                    if mission["status"] in ("planned", "active")
                }
                self.owed = set() if self.chooses else going
            case "mission":
                key = frame["mission"]["id"]
                if key not in self._known and not self.chooses:
                    self.owed.add(key)
                self._known.add(key)
            case "subscribed":
                self.owed.add(frame["mission"])
                self._had.add(frame["mission"])
                asked = self._asked.get(str(frame.get("id")), {})
                if asked.get("epoch") == frame["epoch"] and not frame["recovered"]:
                    raise Violation("A snapshot where exactly what is missing was to be had.")
            case "unsubscribed":
                self.owed.discard(frame["mission"])
                self._had.discard(frame["mission"])
                if frame["reason"] == "access_revoked":
                    self._known.discard(frame["mission"])
            case "error":
                self._refused(str(frame.get("id")), frame["code"])

    def _refused(self, asked: str, code: str) -> None:
        """What is not there is wiped, unless this socket had it: HQ then says what became of it."""
        if asked.startswith("subscribe-"):
            mission = self._asked[asked]["mission"]
            if mission not in self._had:
                self.owed.discard(mission)
                self.ledger.rooms.pop(mission, None)
            if code != "not_found":
                raise Violation("A subscribe was answered neither with a page nor as not there.")
