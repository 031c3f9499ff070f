"""Authors under fault: each says one thing after the other, and repeats what is unsettled."""

import asyncio
import itertools
import time
import uuid
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import httpx

from agents.roles import Clearance, Role
from tests.cast import Member
from tests.ledger import Frame
from tests.rest_client import Refused, RestClient

GIVE_UP = 60.0
"""Seconds after which what is not settled never will be."""

ROLE_SETS: tuple[tuple[Role, ...], ...] = (
    (),
    (Role.ANALYST,),
    (Role.FIELD_OPERATIVE,),
    (Role.HANDLER, Role.ANALYST),
    (Role.DIRECTOR,),
)


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


def drafts(member: Member) -> Iterator[Frame]:
    """Updates of every classification up to the author's own, for every set of roles in turn."""
    levels = [level for level in Clearance if level <= member.clearance]
    for number, (level, roles) in enumerate(itertools.cycle(itertools.product(levels, ROLE_SETS))):
        yield {
            "body": f"{member.username} {number}",
            "classification": level.wire,
            "roles": [role.value for role in roles],
        }
