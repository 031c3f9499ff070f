"""HQ is plain ASGI: stock daphne and stock uvicorn serve it, each with the features it has."""

import sys
import uuid
from pathlib import Path

import pytest
import websockets

from tests.cast import ANALYST, DIRECTOR, OUTSIDER
from tests.conftest import Serve
from tests.hq_server import HQServer
from tests.rest_client import RestClient
from tests.socket_client import SocketClient

PROGRAMS = Path(sys.executable).parent
DAPHNE = [str(PROGRAMS / "daphne"), "-b", "127.0.0.1", "-p", "{port}"]
UVICORN = [str(PROGRAMS / "uvicorn"), "--host", "127.0.0.1", "--port", "{port}"]
APPLICATION = "hq_project.asgi:application"


@pytest.fixture(params=[DAPHNE, UVICORN], ids=["daphne", "uvicorn"])
def stock(request: pytest.FixtureRequest, serve: Serve) -> HQServer:
    """HQ under a server that knows nothing of it."""
    return serve(command=[*request.param, APPLICATION])


async def test_updates_go_live_to_whom_they_are_for(stock: HQServer) -> None:
    """The vertical way: log in, open a socket, publish, receive, and nobody else does."""
    async with RestClient(stock) as director, RestClient(stock) as analyst:
        await director.login(DIRECTOR)
        await analyst.login(ANALYST)
        mission = await director.create_mission("Stock")
        await director.add(mission, analyst)
        async with await SocketClient.open(stock, analyst.access) as socket:
            assert (await socket.expect("welcome"))["agent"]["codename"] == ANALYST.codename
            await socket.expect("subscribed", mission=mission)
            await director.publish(mission, "above", classification="top-secret")
            between = await socket.fence(lambda: director.publish(mission, "fence"))
            assert between == []
            answer = await socket.ask("publish", mission=mission, kind="report", body="seen")
            assert answer["type"] == "published"
            await socket.expect_update(answer["update"]["id"])


async def test_a_socket_resumes_without_loss(stock: HQServer) -> None:
    """What was published while nobody listened comes with the resume."""
    async with RestClient(stock) as director:
        await director.login(DIRECTOR)
        mission = await director.create_mission("Resumed")
        async with await SocketClient.open(stock, director.access) as socket:
            await socket.expect("subscribed", mission=mission)
            await socket.fence(lambda: director.publish(mission, "first"))
            after, epoch = socket.ledger.cursor(mission)
        missed = [(await director.publish(mission, f"missed {n}"))["id"] for n in range(3)]
        async with await SocketClient.open(stock, director.access, query="missions=none") as socket:
            page = await socket.ask("subscribe", mission=mission, after=after, epoch=epoch)
            assert page["recovered"] is True
            assert [entry["update"]["id"] for entry in page["updates"]] == missed


async def test_a_browser_is_told_why_it_is_refused(stock: HQServer) -> None:
    """With an Origin the refusal is a frame and a close code, on every server."""
    async with await SocketClient.open(stock, query="token=forged", origin=stock.origin) as socket:
        assert (await socket.next())["code"] == "token_invalid"
        code, _ = await socket.closed()
        assert code == 4001


async def test_a_program_is_refused_before_it_is_let_in(stock: HQServer) -> None:
    """Without an Origin the handshake fails; the status is the server's own where it must be."""
    with pytest.raises(websockets.InvalidStatus) as refused:
        await SocketClient.open(stock, "forged")
    denial_responses = "uvicorn" in stock.command[0]
    assert refused.value.response.status_code == (401 if denial_responses else 403)


async def test_what_does_not_exist_and_what_is_hidden_answer_alike(stock: HQServer) -> None:
    """The outsider subscribes to a hidden mission and to none at all."""
    async with RestClient(stock) as director, RestClient(stock) as outsider:
        await director.login(DIRECTOR)
        await outsider.login(OUTSIDER)
        mission = await director.create_mission("Hidden")
        async with await SocketClient.open(stock, outsider.access) as socket:
            answers = [await socket.ask("subscribe", mission=one) for one in (mission, uuid4())]
            assert [(answer["type"], answer["code"]) for answer in answers] == [
                ("error", "not_found"),
                ("error", "not_found"),
            ]
            assert answers[0]["message"] == answers[1]["message"]


def uuid4() -> str:
    """An id that nothing has."""
    return str(uuid.uuid4())
