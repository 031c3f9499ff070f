"""The cast on one mission of a site, under fault, and the verdict on it.

The outsider follows too: nothing may ever reach it.
"""

import asyncio
import time
import uuid
from collections import Counter
from contextlib import AsyncExitStack

from agents.roles import Clearance
from missions.audiences import can_see
from tests.cast import ANALYST, CAST, DIRECTOR, HANDLER, OPERATIVE, OUTSIDER, Member
from tests.faults.authors import GIVE_UP, MARK, Author, Reader, Revisor
from tests.faults.followers import Follower
from tests.faults.oracle import (
    FOREVER,
    Holding,
    Known,
    Verdict,
    Version,
    audience_of,
    compare,
)
from tests.faults.site import Site
from tests.hq_server import HQServer
from tests.ledger import Frame
from tests.rest_client import RestClient

ANSWERED_WITHIN = 10.0
"""Seconds after which a client gives a call up, and repeats it elsewhere."""


class Crowd:
    """The cast on one mission of a site: `sockets` followers each, two authors."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.rest: dict[Member, list[RestClient]] = {}
        self.followers: list[Follower] = []
        self.authors: list[Author] = []
        self.revisor: Revisor | None = None
        self.readers: list[Reader] = []
        self.mission = ""
        self._stack = AsyncExitStack()

    async def gather(
        self, *, sockets: int = 2, every: float | None = 0.1, revises: float | None = None
    ) -> None:
        """Logs everybody in, makes the mission, opens the sockets, and has the authors begin.

        With `revises` somebody takes back or reclassifies one of their updates that often.
        """
        for member in CAST:
            self.rest[member] = [await self.client(member, node) for node in self.site.nodes]
        director = self.rest[DIRECTOR][0]
        self.mission = await director.create_mission(f"Faults {uuid.uuid4()}")
        members = [self.rest[one][0] for one in CAST if one not in (DIRECTOR, OUTSIDER)]
        await director.add(self.mission, *members)
        for member in (DIRECTOR, HANDLER):
            self.authors.append(Author(member, self.mission, self.rest[member]))
        for number in range(sockets):
            for member in CAST:
                self.follow(member, first=number)
        await self.settled()
        if every is not None:
            for author in self.authors:
                author.start(every)
            for member in (ANALYST, OPERATIVE):
                reader = Reader(member, self.authors, self.rest[member][-1])
                self.readers.append(reader)
                reader.start(0.2)
        if revises is not None:
            self.revisor = Revisor(self.authors, self.rest[DIRECTOR])
            self.revisor.start(revises)

    async def client(self, member: Member, node: HQServer) -> RestClient:
        """A REST client of that agent; one login an agent and site."""
        client = await self._stack.enter_async_context(RestClient(node, within=ANSWERED_WITHIN))
        if member not in self.site.logins:
            await client.login(member)
            self.site.logins[member] = client.access, client.agent
        client.access, client.agent = self.site.logins[member]
        return client

    def follow(self, member: Member, *, first: int = 0) -> Follower:
        """One more follower, which comes to that node first."""
        nodes = self.site.nodes
        turned = [nodes[(first + offset) % len(nodes)] for offset in range(len(nodes))]
        follower = Follower(self.rest[member][0], member, self.mission, turned)
        self.followers.append(follower)
        return follower

    async def settled(self, within: float = 30.0) -> None:
        """Waits until every follower that may is connected and subscribed."""
        async with asyncio.timeout(within):
            for one in self.followers:
                if not one.over:
                    await one.welcomed.wait()

    async def whole(self, since: float, *, within: float = GIVE_UP) -> float:
        """Seconds from `since` until everybody held an update said now, and all before it."""
        mark = await self.authors[0].say(classification="restricted", roles=[], body=MARK)
        moments = [
            await one.ledger.holds(mark["id"], within=within)
            for one in self.followers
            if one.member is not OUTSIDER and not one.over
        ]
        return max(moments) - since

    async def verdict(self, fault: str) -> Verdict:
        """Ends the authors, waits until all is said and heard, and compares."""
        if self.revisor is not None:
            await self.revisor.stop()
        for author in self.authors:
            await author.stop()
        await self.settled()
        await self.whole(time.monotonic())
        verdict = Verdict(fault, repr(self.site))
        verdict.slowest_write = max(one.slowest() for one in self.authors)
        known = self.known()
        verdict.promised = len(known)
        logs = {
            member: await clients[-1].log(self.mission)
            for member, clients in self.rest.items()
            if any(one.member is member and self._judged(one) for one in self.followers)
        }
        for follower in self.followers:
            self._judge(verdict, follower, known, logs.get(follower.member, []))
        if self.revisor is not None:
            verdict.notes["revised"] = len(self.revisor.revised)
        told = Counter(frame["type"] for one in self.followers for _, frame in one.ledger.told)
        verdict.notes |= {f"{kind}s": told[kind] for kind in ("receipt", "presence", "overdue")}
        return verdict

    def known(self) -> Known:
        """What was promised, as it stood one after the other."""
        known = {
            key: [Version(FOREVER, update)]
            for author in self.authors
            for key, update in author.promised.items()
        }
        for key, (at, update) in (self.revisor.revised if self.revisor else {}).items():
            known[key][-1] = known[key][-1]._replace(end=at)
            if update is not None:
                known[key].append(Version(FOREVER, update))
        return known

    @staticmethod
    def _judged(follower: Follower) -> bool:
        """Whether it is to hold something in the end."""
        return not follower.over and follower.member is not OUTSIDER

    def _judge(
        self, verdict: Verdict, follower: Follower, known: Known, entries: list[Frame]
    ) -> None:
        ledger = follower.ledger
        verdict.forbidden += len(ledger.forbidden(known))
        verdict.doubled += ledger.faults["doubled"]
        verdict.disordered += ledger.faults["disordered"]
        verdict.denied += follower.denied
        if not self._judged(follower):
            return
        looker = ledger.looker
        due = {
            key: versions
            for key, versions in known.items()
            if versions[-1].end == FOREVER
            and can_see(looker, Clearance.RESTRICTED, audience_of(versions[-1].update))
        }
        numbers = [entry["seq"] for entry in entries]
        verdict.disordered += numbers != list(range(1, len(numbers) + 1))
        held = Holding(ledger.rooms[self.mission].ids(), ledger.arrived, ledger.origin)
        compare(verdict, held, entries, due)

    async def leave(self) -> None:
        """Ends everything of it."""
        for reader in self.readers:
            await reader.stop()
        if self.revisor is not None:
            await self.revisor.stop()
        for author in self.authors:
            await author.stop()
        for follower in self.followers:
            await follower.stop()
        await self._stack.aclose()
