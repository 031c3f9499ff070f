"""A mission socket on the wire: what it may ask, and how it follows the agent's rights."""

import itertools
import time
import uuid
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest

from tests.cast import ANALYST, DIRECTOR, HANDLER, NOVICE, OPERATIVE, OUTSIDER, Member
from tests.conftest import WIDE, Serve
from tests.hq_server import HQServer
from tests.redis_server import RedisServer
from tests.rest_client import RestClient
from tests.socket_client import SocketClient

NAMES = itertools.count(1)


class Room:
    """Agents on one HQ, logged in as they are needed."""

    def __init__(self, server: HQServer, stack: AsyncExitStack) -> None:
        self.server = server
        self._stack = stack

    async def agent(self, member: Member) -> RestClient:
        """That agent, logged in."""
        client = await self._stack.enter_async_context(RestClient(self.server))
        return await client.login(member)

    async def socket(
        self, agent: RestClient, query: str = "", worker: int | None = None
    ) -> SocketClient:
        """An open socket, welcomed."""
        opened = await SocketClient.open(self.server, agent.access, query=query, worker=worker)
        socket = await self._stack.enter_async_context(opened)
        await socket.expect("welcome")
        return socket

    async def mission(self, by: RestClient, *members: RestClient, **fields: str) -> str:
        """A mission of those."""
        made = await by.create_mission(f"Mission {next(NAMES)}", **fields)
        await by.add(made, *members)
        return made


@pytest.fixture
async def room(hq: HQServer) -> AsyncIterator[Room]:
    """On two workers."""
    async with AsyncExitStack() as stack:
        yield Room(hq, stack)


@pytest.fixture
async def own_room(serve: Serve, redis_server: RedisServer) -> AsyncIterator[Room]:
    """On an HQ of the test's own, where rights may be changed for good."""
    async with AsyncExitStack() as stack:
        yield Room(serve(workers=2, redis_url=redis_server.url, settings=WIDE), stack)


async def test_a_socket_follows_the_missions_that_the_agent_sees(room: Room) -> None:
    """`welcome` lists them, a snapshot of each follows; none of it for the outsider."""
    director, analyst = await room.agent(DIRECTOR), await room.agent(ANALYST)
    mission = await room.mission(director, analyst)
    await director.publish(mission, "before")
    socket = await room.socket(analyst)
    snapshot = await socket.expect("subscribed", mission=mission)
    assert snapshot["recovered"] is False
    assert [entry["update"]["body"] for entry in snapshot["updates"]] == ["before"]
    assert mission in socket.ledger.missions
    outsider = await room.socket(await room.agent(OUTSIDER))
    assert mission not in outsider.ledger.missions


async def test_the_url_chooses_missions(room: Room) -> None:
    """None, or those named; an unknown one is an error, the socket lives."""
    director = await room.agent(DIRECTOR)
    chosen, other = await room.mission(director), await room.mission(director)
    unknown = str(uuid.uuid4())
    socket = await room.socket(director, f"missions={chosen},{unknown}")
    await socket.expect("subscribed", mission=chosen)
    assert (await socket.expect("error"))["code"] == "not_found"
    silent = await room.socket(director, "missions=none")
    assert (await silent.ask("ping"))["type"] == "pong"
    assert {frame["type"] for frame in silent.frames} <= {"welcome", "pong"}
    await director.publish(other, "not chosen")
    assert await socket.fence(lambda: director.publish(chosen, "fence")) == []


async def test_publish_answers_with_the_update_and_repeats_are_one(room: Room) -> None:
    """By socket and by REST the same `client_id` is the same update."""
    handler = await room.agent(HANDLER)
    mission = await room.mission(handler)
    socket = await room.socket(handler)
    say = {"mission": mission, "kind": "order", "body": "Hold.", "client_id": "c-1"}
    first = await socket.ask("publish", **say)
    assert (first["type"], first["client_id"]) == ("published", "c-1")
    again = await socket.ask("publish", **say)
    by_rest = await handler.publish(mission, "Hold.", kind="order", client_id="c-1")
    assert again["update"]["id"] == first["update"]["id"] == by_rest["id"]
    conflict = await socket.ask("publish", **say | {"body": "Go."})
    assert (conflict["type"], conflict["code"]) == ("error", "conflict")


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"kind": "order"}, "forbidden"),
        ({"classification": "top-secret"}, "forbidden"),
        ({"classification": "cosmic"}, "invalid"),
        ({"roles": ["spy"]}, "invalid"),
        ({"body": ""}, "invalid"),
        ({"body": "x" * 8_001}, "invalid"),
        ({"author": "me"}, "invalid"),
        ({"mission": str(uuid.uuid4())}, "not_found"),
    ],
)
async def test_a_refused_publish_says_why(room: Room, change: dict[str, object], code: str) -> None:
    """And nothing is published."""
    handler, operative = await room.agent(HANDLER), await room.agent(OPERATIVE)
    mission = await room.mission(handler, operative)
    socket = await room.socket(operative)
    await socket.expect("subscribed", mission=mission)
    say = {"mission": mission, "kind": "report", "body": "said"} | change
    answer = await socket.ask("publish", **say)
    assert (answer["type"], answer["code"]) == ("error", code)
    assert answer["message"]
    assert (await operative.page(mission))["updates"] == []


async def test_what_is_acknowledged_is_known_on_return(room: Room) -> None:
    """In the snapshot of the next socket; twice is as good as once."""
    handler, analyst = await room.agent(HANDLER), await room.agent(ANALYST)
    mission = await room.mission(handler, analyst)
    order = await handler.publish(mission, "Confirm.", kind="order", requires_ack=True)
    socket = await room.socket(analyst)
    for _ in range(2):
        assert (await socket.ask("acknowledge", update=order["id"]))["type"] == "acknowledged"
    again = await room.socket(analyst)
    assert (await again.expect("subscribed", mission=mission))["acknowledged"] == [order["id"]]


async def test_unsubscribed_is_silent(room: Room) -> None:
    """The answer is the last word about that mission."""
    director = await room.agent(DIRECTOR)
    left, kept = await room.mission(director), await room.mission(director)
    socket = await room.socket(director, f"missions={left},{kept}")
    answer = await socket.ask("unsubscribe", mission=left)
    assert (answer["type"], answer["reason"]) == ("unsubscribed", "requested")
    socket.drain()
    await director.publish(left, "unheard")
    assert await socket.fence(lambda: director.publish(kept, "fence")) == []


async def test_a_member_who_is_removed_is_cut_off(room: Room) -> None:
    """Told to wipe the mission, and nothing of it comes any more; the others go on."""
    director, analyst = await room.agent(DIRECTOR), await room.agent(ANALYST)
    mission, other = await room.mission(director, analyst), await room.mission(director, analyst)
    watching = await room.socket(director, f"missions={mission}")
    socket = await room.socket(analyst)
    await socket.expect("subscribed", mission=other)
    await director.remove(mission, analyst)
    told = await socket.expect("unsubscribed", mission=mission)
    assert told["reason"] == "access_revoked"
    await watching.fence(lambda: director.publish(mission, "after the cut"))
    assert await socket.fence(lambda: director.publish(other, "fence")) == []
    assert (await socket.ask("subscribe", mission=mission))["code"] == "not_found"


async def test_a_new_member_is_let_in_at_once(room: Room) -> None:
    """The mission appears on the open socket and is followed."""
    director, analyst = await room.agent(DIRECTOR), await room.agent(ANALYST)
    mission = await room.mission(director)
    socket = await room.socket(analyst)
    await director.publish(mission, "before")
    await director.add(mission, analyst)
    assert (await socket.expect("mission"))["mission"]["id"] == mission
    await socket.expect("subscribed", mission=mission)
    await socket.fence(lambda: director.publish(mission, "live"))
    assert socket.ledger.rooms[mission].bodies() == ["before", "live"]


async def test_a_reclassified_mission_shuts_out_who_is_cleared_too_low(room: Room) -> None:
    """The others see it change and miss nothing."""
    director, novice = await room.agent(DIRECTOR), await room.agent(NOVICE)
    mission = await room.mission(director, novice)
    low, high = await room.socket(novice), await room.socket(director, f"missions={mission}")
    await high.expect("subscribed", mission=mission)
    await director.call("PATCH", f"/api/missions/{mission}", {"classification": "secret"})
    assert (await low.expect("unsubscribed", mission=mission))["reason"] == "access_revoked"
    changed = await high.expect("mission")
    assert changed["mission"]["classification"] == "secret"
    await high.fence(lambda: director.publish(mission, "still here"))


async def test_lowered_rights_reach_an_open_socket(own_room: Room) -> None:
    """Told, emptied, and filled again with what the new rights give; nothing above them after."""
    room = own_room
    director, analyst = await room.agent(DIRECTOR), await room.agent(ANALYST)
    mission = await room.mission(director, analyst)
    for level in ("restricted", "confidential", "secret"):
        await director.publish(mission, level, classification=level)
    socket = await room.socket(analyst)
    await socket.expect("subscribed", mission=mission)
    assert socket.ledger.rooms[mission].bodies() == ["restricted", "confidential", "secret"]
    room.server.manage("set_access", ANALYST.username, "--clearance", "confidential")
    told = await socket.expect("access_changed")
    assert (told["role"], told["clearance"]) == ("analyst", "confidential")
    await socket.expect("subscribed", mission=mission)
    assert socket.ledger.rooms[mission].bodies() == ["restricted", "confidential"]
    await director.publish(mission, "above", classification="secret")
    assert await socket.fence(lambda: director.publish(mission, "fence")) == []


@pytest.mark.parametrize(
    "command",
    [
        ("end_sessions", ANALYST.username),
        ("set_access", ANALYST.username, "--disable"),
    ],
    ids=["ended", "disabled"],
)
async def test_an_ended_session_ends_its_sockets(own_room: Room, command: tuple[str, ...]) -> None:
    """4003 on both workers, within a second of the commit; its token is refused everywhere."""
    room = own_room
    analyst = await room.agent(ANALYST)
    other = await room.socket(await room.agent(OPERATIVE))
    sockets = [
        await room.socket(analyst, worker=worker)
        for worker in room.server.workers
        for _ in range(2)
    ]
    room.server.manage(*command)
    ended = time.monotonic()
    assert {(await socket.closed())[0] for socket in sockets} == {4003}
    assert time.monotonic() - ended < 2
    again = await SocketClient.open(
        room.server, query=f"token={analyst.access}", origin=room.server.origin
    )
    assert (await again.closed())[0] == 4001
    assert (await other.ask("ping"))["type"] == "pong"
