"""Authors under fault: each says one thing after the other, and repeats what is unsettled.

With them one who revises what they said, and readers who acknowledge it.
"""

import asyncio
import contextlib
import itertools
import time
import uuid
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import httpx

from agents.roles import Clearance, Role
from tests.cast import DIRECTOR, Member
from tests.ledger import Frame
from tests.rest_client import Refused, RestClient

GIVE_UP = 60.0
"""Seconds after which what is not settled never will be."""

MARK = "mark"
"""The body of what is said to see whether it arrives."""

ROLE_SETS: tuple[tuple[Role, ...], ...] = (
    (),
    (Role.ANALYST,),
    (Role.FIELD_OPERATIVE,),
    (Role.HANDLER, Role.ANALYST),
    (Role.DIRECTOR,),
)


TO_ACKNOWLEDGE = {"requires_ack": True, "ack_within": 10}


class Answer(NamedTuple):
    """One try of a write: when it began, how long it took, its status (0 without an answer)."""

    began: float
    seconds: float
    status: int


class Author:
    """Says one thing after the other, each until it is settled. `answers` are all its tries."""

    def __init__(self, member: Member, mission: str, clients: Sequence[RestClient]) -> None:
        self.member = member
        self.mission = mission
        self.answers: list[Answer] = []
        self.promised: dict[str, Frame] = {}
        self.answered: dict[str, float] = {}
        self._clients = itertools.cycle(clients)
        self._drafts = drafts(member)
        self._task: asyncio.Task[None] | None = None

    def start(self, every: float) -> None:
        """Goes on by itself, with that pause between two."""
        self._task = asyncio.create_task(self._run(every))

    async def stop(self) -> None:
        """Settles what it is saying, and says no more."""
        self._going = False
        if self._task is not None:
            await self._task

    async def say(self, **fields: object) -> Frame:
        """One update, repeated with its `client_id` until it is answered 2xx."""
        draft = {**next(self._drafts), "client_id": str(uuid.uuid4()), **fields}
        async with asyncio.timeout(GIVE_UP):
            for client in self._clients:
                update = await self._try(client, draft)
                if update is not None:
                    self.promised[update["id"]] = update
                    self.answered[update["id"]] = time.monotonic()
                    return update
                await asyncio.sleep(0.1)
        raise AssertionError("There is always another client.")

    def slowest(self, since: float = 0.0, upto: float = float("inf")) -> float:
        """The longest of the tries that began in between and were answered."""
        taken = [one.seconds for one in self.answers if since <= one.began <= upto and one.status]
        return max(taken, default=0.0)

    async def _try(self, client: RestClient, draft: Frame) -> Frame | None:
        began, status = time.monotonic(), 0
        try:
            update = await client.publish(self.mission, **draft)
            status = 201
        except Refused as refused:
            status = refused.status
            if status != 503:
                raise
            return None
        except httpx.TransportError:
            return None
        else:
            return update
        finally:
            self.answers.append(Answer(began, time.monotonic() - began, status))

    async def _run(self, every: float) -> None:
        self._going = True
        while self._going:
            await self.say()
            await asyncio.sleep(every)


class Revisor:
    """Takes back what was just said, or gives it to others, in turn; each update once.

    `revised` has what became of an update, None for nothing, and when that was answered.
    """

    def __init__(self, authors: Sequence[Author], clients: Sequence[RestClient]) -> None:
        self.revised: dict[str, tuple[float, Frame | None]] = {}
        self._authors = authors
        self._clients = itertools.cycle(clients)
        self._audiences = drafts(DIRECTOR)
        self._going = True
        self._task: asyncio.Task[None] | None = None

    def start(self, every: float) -> None:
        """Goes on by itself, with that pause between two."""
        self._task = asyncio.create_task(self._run(every))

    async def stop(self) -> None:
        """Settles what it is revising, and revises no more."""
        self._going = False
        if self._task is not None:
            await self._task

    def newest(self) -> str | None:
        """What was said last and is as it was; a mark is waited for and stays."""
        said = [
            (author.answered[key], key)
            for author in self._authors
            for key, update in author.promised.items()
            if key not in self.revised and update["body"] != MARK
        ]
        return max(said, default=(0.0, None))[1]

    async def _run(self, every: float) -> None:
        for retracts in itertools.cycle((True, False)):
            if not self._going:
                return
            if (key := self.newest()) is not None:
                audience = next(self._audiences)
                change = {name: audience[name] for name in ("classification", "roles")}
                update = await self._settle(key, None if retracts else change)
                self.revised[key] = time.monotonic(), update
            await asyncio.sleep(every)

    async def _settle(self, key: str, change: Frame | None) -> Frame | None:
        """Repeats it until it is answered; a second retraction finds nothing any more."""
        path = f"/api/updates/{key}"
        async with asyncio.timeout(GIVE_UP):
            for client in self._clients:
                try:
                    if change is not None:
                        update: Frame = await client.call("PATCH", path, change)
                        return update
                    await client.call("DELETE", path)
                    return None
                except Refused as refused:
                    if change is None and refused.status == 404:
                        return None
                    if refused.status != 503:
                        raise
                except httpx.TransportError:
                    pass
                await asyncio.sleep(0.1)
        raise AssertionError("There is always another client.")


class Reader:
    """Acknowledges what asks for it, as one agent that may see it; nothing hangs on the answer."""

    def __init__(self, member: Member, authors: Sequence[Author], client: RestClient) -> None:
        self.member = member
        self._authors = authors
        self._client = client
        self._done: set[str] = set()
        self._task: asyncio.Task[None] | None = None

    def start(self, every: float) -> None:
        """Goes on by itself, with that pause between two looks."""
        self._task = asyncio.create_task(self._run(every))

    async def stop(self) -> None:
        """Reads no more."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self, every: float) -> None:
        while True:
            asking = [
                key
                for author in self._authors
                for key, update in author.promised.items()
                if update["requires_ack"] and key not in self._done
            ]
            for key in asking:
                self._done.add(key)
                with contextlib.suppress(Refused, httpx.TransportError):
                    await self._client.call("POST", f"/api/updates/{key}/acknowledge")
            await asyncio.sleep(every)


def drafts(member: Member) -> Iterator[Frame]:
    """Updates of every classification up to the author's own, for every set of roles in turn."""
    levels = [level for level in Clearance if level <= member.clearance]
    for number, (level, roles) in enumerate(itertools.cycle(itertools.product(levels, ROLE_SETS))):
        yield {
            "body": f"{member.username} {number}",
            "classification": level.wire,
            "roles": [role.value for role in roles],
            **(TO_ACKNOWLEDGE if number % 5 == 0 else {}),
        }
