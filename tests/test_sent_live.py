"""Own updates that the own stream lacks, over real sockets on two workers: who hears of them."""

import uuid
from contextlib import AsyncExitStack
from dataclasses import dataclass, field

import pytest

from tests.cast import ANALYST, DIRECTOR, HANDLER, NOVICE, OPERATIVE, Member
from tests.hq_server import HQServer
from tests.ledger import Frame
from tests.rest_client import RestClient
from tests.socket_client import SocketClient

CAST = (DIRECTOR, HANDLER, ANALYST, OPERATIVE, NOVICE)


@dataclass
class Scene:
    """A mission with these on it, each with two sockets."""

    mission: str
    rest: dict[Member, RestClient] = field(default_factory=dict)
    sockets: dict[Member, list[SocketClient]] = field(default_factory=dict)

    async def heard(self) -> dict[Member, list[list[Frame]]]:
        """What each socket got in front of something that all may see, but presence.

        The snapshot of a stream that was just renumbered may bring it too, and is heard.
        """
        fence = await self.rest[DIRECTOR].publish(self.mission, "fence")
        heard: dict[Member, list[list[Frame]]] = {}
        for member, sockets in self.sockets.items():
            for socket in sockets:
                start = socket._taken
                live = await socket.expect_fence(fence["id"]) == "update"
                between = socket.frames[start : socket._taken - live]
                heard.setdefault(member, []).append(
                    [one for one in between if one["type"] != "presence"]
                )
        return heard


async def scene_on(hq: HQServer, stack: AsyncExitStack) -> Scene:
    """Everybody logged in and subscribed."""
    rest = {
        member: await (await stack.enter_async_context(RestClient(hq))).login(member)
        for member in CAST
    }
    mission = await rest[DIRECTOR].create_mission(f"Sent {uuid.uuid4()}")
    await rest[DIRECTOR].add(mission, *(rest[member] for member in CAST if member != DIRECTOR))
    scene = Scene(mission, rest)
    for member in CAST:
        for _ in range(2):
            opened = await SocketClient.open(hq, rest[member].access, query=f"missions={mission}")
            socket = await stack.enter_async_context(opened)
            await socket.expect("subscribed")
            scene.sockets.setdefault(member, []).append(socket)
    return scene


@pytest.mark.parametrize(
    ("change", "state"),
    [
        (None, "retracted"),
        ({"classification": "secret"}, "reclassified"),
        ({"roles": ["handler", "analyst"]}, "reclassified"),
    ],
)
async def test_an_author_hears_that_its_own_update_changed(
    hq: HQServer, change: Frame | None, state: str
) -> None:
    """Where no reset tells it; the other operatives, who never saw it, get nothing at all."""
    async with AsyncExitStack() as stack:
        scene = await scene_on(hq, stack)
        own = await scene.rest[OPERATIVE].publish(scene.mission, "For handlers.", roles=["handler"])
        await scene.heard()
        path = f"/api/updates/{own['id']}"
        await scene.rest[DIRECTOR].call("PATCH" if change else "DELETE", path, change)
        for socket in scene.sockets[HANDLER]:
            await socket.expect("subscribed", mission=scene.mission)
        told = {"type": "sent", "mission": scene.mission, "update": own["id"], "state": state}
        heard = await scene.heard()
        assert heard[OPERATIVE] == [[told], [told]]
        assert heard[NOVICE] == [[], []]
        for member in (HANDLER, DIRECTOR, ANALYST):
            assert "sent" not in [one["type"] for frames in heard[member] for one in frames]


async def test_an_author_who_could_not_look_it_up_hears_nothing(hq: HQServer) -> None:
    """The first change put it above the author's clearance: the second is not its to see."""
    async with AsyncExitStack() as stack:
        scene = await scene_on(hq, stack)
        own = await scene.rest[OPERATIVE].publish(scene.mission, "For handlers.", roles=["handler"])
        path = f"/api/updates/{own['id']}"
        await scene.rest[DIRECTOR].call("PATCH", path, {"classification": "secret"})
        for socket in scene.sockets[OPERATIVE]:
            await socket.expect("sent", update=own["id"], state="reclassified")
        await scene.rest[DIRECTOR].call("DELETE", path)
        assert (await scene.heard())[OPERATIVE] == [[], []]


async def test_an_author_whose_stream_had_it_gets_the_reset_alone(hq: HQServer) -> None:
    """What was in the stream goes with the snapshot."""
    async with AsyncExitStack() as stack:
        scene = await scene_on(hq, stack)
        own = await scene.rest[OPERATIVE].publish(scene.mission, "For all.")
        await scene.heard()
        await scene.rest[DIRECTOR].call("DELETE", f"/api/updates/{own['id']}")
        for socket in scene.sockets[OPERATIVE]:
            await socket.expect("subscribed", mission=scene.mission)
            assert "sent" not in [frame["type"] for frame in socket.frames]
