"""Two workers, real Redis, six viewers on both: everyone gets exactly what the rule gives them.

What each must get is computed from what was published, by the rule alone, and compared with what
came live, what REST tells, and what a resume from every single point brings.
"""

import asyncio
import itertools
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Any

import pytest

from agents.roles import Clearance, Role, Viewer
from missions.audiences import Audience, Looker, can_see
from tests.cast import CAST, DIRECTOR, HANDLER, OUTSIDER, Member
from tests.hq_server import HQServer
from tests.ledger import Frame
from tests.rest_client import Refused, RestClient
from tests.socket_client import SocketClient

UPDATES = 200
MEMBERS = tuple(member for member in CAST if member not in (DIRECTOR, OUTSIDER))
VIEWERS = tuple(member for member in CAST if member is not OUTSIDER)
ROLE_SETS: tuple[tuple[Role, ...], ...] = (
    (),
    (Role.ANALYST,),
    (Role.FIELD_OPERATIVE,),
    (Role.HANDLER, Role.ANALYST),
    (),
    (Role.HANDLER,),
    (Role.ANALYST, Role.FIELD_OPERATIVE),
    (Role.DIRECTOR,),
)
Say = Callable[[Frame], Awaitable[Frame]]


@dataclass
class Operation:
    """A mission with the cast on both workers, and everything that was published."""

    server: HQServer
    stack: AsyncExitStack
    mission: str = ""
    rest: dict[Member, RestClient] = field(default_factory=dict)
    sockets: dict[Member, list[SocketClient]] = field(default_factory=dict)
    published: dict[str, Frame] = field(default_factory=dict)

    async def open(
        self, member: Member, query: str = "", worker: int | None = None
    ) -> SocketClient:
        """A socket of that agent, closed with the operation."""
        access = self.rest[member].access
        socket = await SocketClient.open(self.server, access, query=query, worker=worker)
        return await self.stack.enter_async_context(socket)

    async def on_both_workers(self, member: Member) -> list[SocketClient]:
        """A socket of that agent on each of the two workers."""
        sockets = [await self.open(member, worker=worker) for worker in self.server.workers]
        for socket in sockets:
            await socket.expect("welcome")
        return sockets

    async def rest_on(self, member: Member, worker: int) -> RestClient:
        """A REST client of that agent whose connection that worker holds."""
        client = await self.stack.enter_async_context(RestClient(self.server))
        await client.meet(worker)
        client.access = self.rest[member].access
        return client

    def keep(self, answer: Frame) -> None:
        """Remembers a published update; REST adds to it the author's `client_id`."""
        update = {name: value for name, value in answer.items() if name != "client_id"}
        self.published[update["id"]] = update

    def due(self, member: Member) -> set[str]:
        """The ids of what the rule gives that agent."""
        looker = Looker(Viewer(member.role, member.clearance), assigned=member is not OUTSIDER)
        return {
            key
            for key, update in self.published.items()
            if can_see(looker, Clearance.RESTRICTED, audience_of(update))
        }


def audience_of(update: Frame) -> Audience:
    """Whom an update on the wire is for."""
    roles = frozenset(Role(name) for name in update["roles"])
    return Audience(Clearance.from_wire(update["classification"]), roles)


def drafts(author: Member, door: str, count: int) -> list[Frame]:
    """Updates of every classification up to the author's own, for every set of roles in turn."""
    levels = [level for level in Clearance if level <= author.clearance]
    audiences = itertools.cycle(itertools.product(levels, ROLE_SETS))
    return [
        {
            "kind": "report",
            "body": f"{author.username} {door} {number}",
            "classification": level.wire,
            "roles": [role.value for role in roles],
        }
        for number, (level, roles) in zip(range(count), audiences, strict=False)
    ]


@pytest.fixture(params=["hq", "hq_on_postgres"], ids=["sqlite", "postgres"])
def two_workers(request: pytest.FixtureRequest) -> HQServer:
    """HQ on either database."""
    server: HQServer = request.getfixturevalue(request.param)
    return server


@pytest.fixture
async def operation(two_workers: HQServer) -> AsyncIterator[Operation]:
    """The cast logged in, on one mission, with sockets on both workers."""
    hq = two_workers
    async with AsyncExitStack() as stack:
        made = Operation(hq, stack)
        for member in CAST:
            client = await stack.enter_async_context(RestClient(hq))
            made.rest[member] = await client.login(member)
        director = made.rest[DIRECTOR]
        made.mission = await director.create_mission(f"Delivery {uuid.uuid4()}")
        await director.add(made.mission, *(made.rest[member] for member in MEMBERS))
        for member in CAST:
            made.sockets[member] = await made.on_both_workers(member)
        for member in VIEWERS:
            for socket in made.sockets[member]:
                await socket.until(lambda held: made.mission in held.rooms, "the mission")
        yield made


async def publish_everything(operation: Operation) -> None:
    """Two authors publish over both workers, by REST and by socket, all at once."""

    async def by(say: Say, author: Member, door: str) -> None:
        for draft in drafts(author, door, UPDATES // 4):
            operation.keep(await say(draft))

    def through_socket(socket: SocketClient) -> Say:
        async def say(draft: Frame) -> Frame:
            answer = await socket.ask("publish", mission=operation.mission, **draft)
            assert answer["type"] == "published", answer
            update: Frame = answer["update"]
            return update

        return say

    def through_rest(client: RestClient) -> Say:
        return lambda draft: client.publish(operation.mission, **draft)

    first, second = operation.sockets[DIRECTOR]
    assert first.worker != second.worker
    await asyncio.gather(
        by(through_rest(await operation.rest_on(DIRECTOR, first.worker)), DIRECTOR, "rest"),
        by(through_rest(await operation.rest_on(HANDLER, second.worker)), HANDLER, "rest"),
        by(through_socket(operation.sockets[HANDLER][0]), HANDLER, "socket"),
        by(through_socket(second), DIRECTOR, "socket"),
    )
    assert len(operation.published) == UPDATES


async def raise_fences(operation: Operation) -> None:
    """One update that all members see: whatever was to come before it has come."""
    fence = await operation.rest[DIRECTOR].publish(operation.mission, "fence")
    operation.keep(fence)
    for member in VIEWERS:
        for socket in operation.sockets[member]:
            await socket.expect_update(fence["id"])


async def test_everyone_gets_exactly_what_the_rule_gives_them(operation: Operation) -> None:
    """Live, over REST and over resume from any point: the same set, in order, without a hole."""
    await publish_everything(operation)
    await raise_fences(operation)
    order = [
        entry["update"]["id"] for entry in await operation.rest[DIRECTOR].log(operation.mission)
    ]
    assert set(order) == set(operation.published)

    for member in VIEWERS:
        due = [key for key in order if key in operation.due(member)]
        for socket in operation.sockets[member]:
            live = [frame["update"] for frame in socket.frames if frame["type"] == "update"]
            assert [update["id"] for update in live] == due, member.username
            assert all(update == operation.published[update["id"]] for update in live)
        assert_in_the_authors_order(operation, due)
        await assert_rest_tells_the_same(operation, member, due)
        await assert_resume_from_every_point(operation, member, due)
    await assert_nothing_reached_the_outsider(operation)


def assert_in_the_authors_order(operation: Operation, due: list[str]) -> None:
    """What one author said through one door stands in the order it was said in."""
    said: dict[str, list[int]] = {}
    for key in due:
        door, _, number = operation.published[key]["body"].rpartition(" ")
        if door:
            said.setdefault(door, []).append(int(number))
    assert all(numbers == sorted(numbers) for numbers in said.values())


async def assert_rest_tells_the_same(operation: Operation, member: Member, due: list[str]) -> None:
    """Backwards and forwards, in pages that do not fit evenly."""
    client = operation.rest[member]
    entries = await client.log(operation.mission, limit=37)
    assert [entry["update"]["id"] for entry in entries] == due
    assert [entry["seq"] for entry in entries] == list(range(1, len(due) + 1))

    epoch = (await client.page(operation.mission, limit=1))["epoch"]
    forwards = due[:1]
    while len(forwards) < len(due):
        page = await client.page(operation.mission, after=forwards[-1], epoch=epoch, limit=41)
        assert page["recovered"] is True
        assert page["updates"], "A page in the middle is never empty."
        forwards += [entry["update"]["id"] for entry in page["updates"]]
    assert forwards == due


async def assert_resume_from_every_point(
    operation: Operation, member: Member, due: list[str]
) -> None:
    """Whichever update is the last one held, exactly what follows comes."""
    socket = await operation.open(member, query="missions=none")
    epoch = operation.sockets[member][0].ledger.rooms[operation.mission].epoch
    for held, after in enumerate([None, *due]):
        answer = await socket.ask("subscribe", mission=operation.mission, after=after, epoch=epoch)
        assert answer["type"] == "subscribed", answer
        assert answer["recovered"] is True
        assert [entry["update"]["id"] for entry in answer["updates"]] == due[held:]
    hidden = next((key for key in operation.published if key not in due), None)
    for bad in ({"after": hidden, "epoch": epoch}, {"after": due[0], "epoch": uuid.uuid4().hex}):
        if bad["after"] is not None:
            answer = await socket.ask("subscribe", mission=operation.mission, **bad)
            assert answer["recovered"] is False
            assert [entry["update"]["id"] for entry in answer["updates"]] == due[-50:]
    await socket.close()


async def assert_nothing_reached_the_outsider(operation: Operation) -> None:
    """The next thing an outsider hears, after all of this, is a mission of its own."""
    outsider, director = operation.rest[OUTSIDER], operation.rest[DIRECTOR]
    fence = await director.create_mission(f"Fence {uuid.uuid4()}")
    await director.add(fence, outsider)
    for socket in operation.sockets[OUTSIDER]:
        await socket.expect("subscribed", mission=fence)
        told = [(frame["type"], mission_of(frame)) for frame in socket.frames]
        assert told == [("welcome", None), ("mission", fence), ("subscribed", fence)]
        assert socket.frames[0]["missions"] == []
    await assert_hidden_is_unknown(outsider, operation.mission)


def mission_of(frame: Frame) -> Any:
    """The mission that a frame is about."""
    about = frame.get("mission")
    return about["id"] if isinstance(about, dict) else about


async def assert_hidden_is_unknown(outsider: RestClient, mission: str) -> None:
    """A hidden mission answers byte for byte as one that never was."""
    answers = []
    for one in (mission, str(uuid.uuid4())):
        for path in ("", "/updates", "/members"):
            with pytest.raises(Refused) as refused:
                await outsider.call("GET", f"/api/missions/{one}{path}")
            answers.append((refused.value.status, refused.value.body))
    assert set(map(str, answers)) == {str(answers[0])}
    assert answers[0][0] == 404
