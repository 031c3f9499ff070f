"""How a socket gets whole: join, read, merge; rights that change meanwhile; room on the wire."""

import asyncio
import json
from collections.abc import AsyncIterator, MutableMapping
from typing import Any
from uuid import uuid4

import pytest

from agents import live, threads
from agents.errors import NotFound, Unavailable
from agents.models import Agent
from agents.protocol import CloseCode, Pong
from agents.roles import Clearance, Role, Viewer
from agents.sockets.outgoing import Outgoing, Send
from missions import audiences, limits, services, switchboard
from missions.drafts import Draft
from missions.models import Mission
from missions.protocol import Kind
from missions.recovery import Subscriptions
from tests.cast import ANALYST, HANDLER, OUTSIDER, Member
from tests.database_faults import when_answered
from tests.patience import PATIENCE

pytestmark = pytest.mark.django_db(transaction=True)


HEAD_READ = r'"missions_mission"\."epochs".* FROM "missions_mission" WHERE .*EXISTS'
"""The query by which a subscribe learns where its stream ends, before it reads the log."""


class Observed(Outgoing):
    """Says when somebody asks how much waits."""

    def __init__(self, send: Send) -> None:
        super().__init__({}, send)
        self.asked = asyncio.Event()

    def waiting(self) -> int:
        """As ever."""
        self.asked.set()
        return super().waiting()


class Socket:
    """A socket's subscriptions, and the frames that leave it."""

    def __init__(self, agent: Agent) -> None:
        self.frames: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.reads = asyncio.Event()
        self.reads.set()
        self.outgoing = Observed(self._send)
        self.resets: list[str] = []
        self.subscriptions = Subscriptions(self.outgoing, agent.pk, uuid4(), self.resets.append)
        self.subscriptions.stream = audiences.stream_for(agent.viewer)

    async def next(self) -> dict[str, Any]:
        """The next frame or close."""
        async with asyncio.timeout(PATIENCE):
            return await self.frames.get()

    async def _send(self, message: MutableMapping[str, Any]) -> None:
        await self.reads.wait()
        text = message.get("text")
        self.frames.put_nowait(json.loads(text) if text else dict(message))


@pytest.fixture
async def analyst(cast: dict[Member, Agent]) -> AsyncIterator[Socket]:
    """The analyst's socket."""
    socket = Socket(cast[ANALYST])
    yield socket
    socket.reads.set()
    socket.outgoing.gone()
    socket.subscriptions.leave_all()
    await live.aclose()


def publish(cast: dict[Member, Agent], mission: Mission, body: str, **fields: Any) -> None:
    """Publishes a report of the handler's."""
    services.publish(cast[HANDLER], mission.pk, Draft(kind=Kind.REPORT, body=body, **fields))


async def test_what_comes_while_history_is_read_follows_it_once(
    cast: dict[Member, Agent], mission: Mission, analyst: Socket
) -> None:
    """The page first, then exactly what it lacks: no hole, no double."""
    await threads.in_command_thread(publish, cast, mission, "before")
    with when_answered(HEAD_READ, lambda: publish(cast, mission, "meanwhile")):
        await analyst.subscriptions.subscribe(str(mission.pk), frame_id=7)
    page = await analyst.next()
    assert (page["type"], page["id"], page["seq"]) == ("subscribed", 7, 1)
    await threads.in_command_thread(publish, cast, mission, "after")
    for seq, body in ((2, "meanwhile"), (3, "after")):
        frame = await analyst.next()
        assert (frame["seq"], frame["update"]["body"]) == (seq, body)


async def test_rights_that_change_while_history_is_read_are_those_that_count(
    cast: dict[Member, Agent], mission: Mission, analyst: Socket
) -> None:
    """A page that was read with other rights is never sent."""
    await threads.in_command_thread(
        publish, cast, mission, "analysts", roles=frozenset({Role.ANALYST})
    )
    loop = asyncio.get_running_loop()

    def lower() -> None:
        Agent.objects.filter(pk=cast[ANALYST].pk).update(role=Role.FIELD_OPERATIVE)
        stream = audiences.stream_for(Viewer(Role.FIELD_OPERATIVE, Clearance.SECRET))
        key = str(mission.pk)
        loop.call_soon_threadsafe(analyst.subscriptions.rights_changed, stream, {key})

    with when_answered(HEAD_READ, lower) as reading:
        await analyst.subscriptions.subscribe(str(mission.pk))
    page = await analyst.next()
    assert (page["seq"], page["updates"]) == (0, [])
    assert reading.met == 2


async def test_rights_that_changed_without_a_notice_yet_are_followed(
    cast: dict[Member, Agent], mission: Mission, analyst: Socket
) -> None:
    """What the database says at the read decides the stream, and places in others are cut then."""
    key = str(mission.pk)
    await analyst.subscriptions.subscribe(key)
    changed = Agent.objects.filter(pk=cast[ANALYST].pk).update
    await threads.in_command_thread(changed, role=Role.FIELD_OPERATIVE.value)
    second = await threads.in_command_thread(
        services.create_mission, cast[HANDLER], "Second", "", Clearance.RESTRICTED
    )
    await threads.in_command_thread(services.add_member, cast[HANDLER], second.pk, cast[ANALYST].pk)
    await analyst.subscriptions.subscribe(str(second.pk))
    stream = audiences.stream_for(Viewer(Role.FIELD_OPERATIVE, Clearance.SECRET))
    assert analyst.subscriptions.stream == stream
    lost = analyst.subscriptions.rights_changed(stream, {key, str(second.pk)})
    assert lost == [key]
    assert not analyst.subscriptions.follows(key)
    assert analyst.subscriptions.follows(str(second.pk))


async def test_a_void_history_is_read_again(
    cast: dict[Member, Agent], mission: Mission, analyst: Socket
) -> None:
    """When two join a mission first and one read further, the other reads again."""
    other = Socket(cast[ANALYST])
    key, loop = str(mission.pk), asyncio.get_running_loop()

    def overtaken() -> None:
        publish(cast, mission, "between")
        asyncio.run_coroutine_threadsafe(other.subscriptions.subscribe(key), loop).result(PATIENCE)

    with when_answered(HEAD_READ, overtaken):
        await analyst.subscriptions.subscribe(key)
    assert (await analyst.next())["seq"] == 1
    assert (await other.next())["seq"] == 1
    other.subscriptions.leave_all()


async def test_what_may_not_be_seen_leaves_nothing_behind(
    cast: dict[Member, Agent], mission: Mission, analyst: Socket
) -> None:
    """Refused or failed, no place is kept."""
    outsider = Socket(cast[OUTSIDER])
    with pytest.raises(NotFound):
        await outsider.subscriptions.subscribe(str(mission.pk))
    assert outsider.subscriptions.missions() == []
    assert all(feed.empty for feed in switchboard.current()._feeds.values())


async def test_a_read_that_fails_leaves_nothing_behind(
    mission: Mission, analyst: Socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`unavailable` is an answer, and not half a subscription."""
    with monkeypatch.context() as patch:
        patch.setattr(threads, "DEADLINE", 0.0)
        with pytest.raises(Unavailable):
            await analyst.subscriptions.subscribe(str(mission.pk))
    assert str(mission.pk) not in analyst.subscriptions
    assert all(feed.empty for feed in switchboard.current()._feeds.values())


async def test_a_snapshot_waits_for_room(
    mission: Mission, analyst: Socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is joined or read while much waits on the socket; then it is, and is written."""
    monkeypatch.setattr(limits, "BACKLOG_BEFORE_SNAPSHOT_BYTES", 10)
    analyst.reads.clear()
    analyst.outgoing.send(Pong(id="something that waits"))
    with when_answered(HEAD_READ, lambda: None) as reading:
        task = asyncio.create_task(analyst.subscriptions.subscribe(str(mission.pk)))
        for _ in range(3):
            analyst.outgoing.asked.clear()
            async with asyncio.timeout(PATIENCE):
                await analyst.outgoing.asked.wait()
        assert not task.done()
        assert switchboard.current().missions() == []
        assert reading.met == 0
    analyst.reads.set()
    assert (await analyst.next())["type"] == "pong"
    assert (await analyst.next())["type"] == "subscribed"
    await task


async def test_a_snapshot_is_read_again_when_the_room_is_gone_meanwhile(
    cast: dict[Member, Agent], mission: Mission, analyst: Socket
) -> None:
    """No history waits in memory: it is dropped, and read when there is room."""
    loop, looked = asyncio.get_running_loop(), asyncio.Event()
    analyst.outgoing.may_go = lambda: looked.set() or True  # type: ignore[func-returns-value]

    def fill() -> None:
        publish(cast, mission, "meanwhile")
        analyst.reads.clear()
        loop.call_soon_threadsafe(analyst.outgoing.send, Pong(id="x" * 300_000))

    with when_answered(HEAD_READ, fill) as reading:
        task = loop.create_task(analyst.subscriptions.subscribe(str(mission.pk)))
        async with asyncio.timeout(PATIENCE):
            await looked.wait()
        for _ in range(2):  # until it waits for room again
            analyst.outgoing.asked.clear()
            async with asyncio.timeout(PATIENCE):
                await analyst.outgoing.asked.wait()
        analyst.reads.set()
        assert (await analyst.next())["type"] == "pong"
        assert (await analyst.next())["seq"] == 1
        await task
    assert reading.met == 2


async def test_a_socket_that_closes_while_it_waits_keeps_no_place(
    mission: Mission, analyst: Socket
) -> None:
    """The end of the connection is noticed after the read."""
    with when_answered(HEAD_READ, analyst.outgoing.gone) as reading:
        await analyst.subscriptions.subscribe(str(mission.pk))
    assert reading.met == 1
    assert analyst.subscriptions.missions() == []
    assert all(feed.empty for feed in switchboard.current()._feeds.values())
    analyst.outgoing.close(CloseCode.NORMAL)
    assert analyst.frames.empty()


async def test_a_cut_mission_is_held_until_the_client_is_told(
    cast: dict[Member, Agent], mission: Mission, analyst: Socket
) -> None:
    """Nothing goes out any more, and what the client holds is still known."""
    key = str(mission.pk)
    await analyst.subscriptions.subscribe(key)
    await analyst.next()
    assert analyst.subscriptions.rights_changed(analyst.subscriptions.stream, set()) == [key]
    assert analyst.subscriptions.missions() == [key]
    assert not analyst.subscriptions.follows(key)
    witness = Socket(cast[ANALYST])
    await witness.subscriptions.subscribe(key)
    await threads.in_command_thread(publish, cast, mission, "unseen")
    await witness.next()
    await witness.next()
    assert analyst.frames.empty()
    witness.subscriptions.leave_all()
