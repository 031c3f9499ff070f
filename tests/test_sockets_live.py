"""An authenticated socket on the wire: refreshed in place, expired, limited, told what is wrong."""

import json
import time
from collections.abc import AsyncIterator

import pytest
import websockets

from tests.cast import ANALYST, HANDLER
from tests.conftest import WIDE, Serve
from tests.hq_server import HQServer
from tests.ledger import Frame
from tests.patience import PATIENCE
from tests.rest_client import RestClient
from tests.socket_client import SocketClient
from tests.tokens import expired, forged, resigned


@pytest.fixture
async def socket(hq: HQServer, handler: RestClient) -> AsyncIterator[SocketClient]:
    """An open socket of the handler that follows no mission."""
    async with await SocketClient.open(hq, handler.access, query="missions=none") as opened:
        await opened.expect("welcome")
        yield opened


async def test_a_token_or_a_ticket_refreshes_in_place(
    hq: HQServer, handler: RestClient, socket: SocketClient
) -> None:
    """The answer says until when; the socket stays."""
    now = int(time.time())
    later = resigned(handler.access, iat=now, exp=now + 600)
    answer = await socket.ask("refresh", token=later)
    assert answer["type"] == "refreshed"
    assert answer["expires_at"] == time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime(now + 600))
    assert (await socket.ask("refresh", ticket=await handler.ticket()))["type"] == "refreshed"
    assert (await socket.ask("ping", token=later))["type"] == "pong"


@pytest.mark.parametrize("how", [expired, forged])
async def test_a_bad_token_in_any_frame_ends_the_socket(
    handler: RestClient, socket: SocketClient, how: object
) -> None:
    """Continuous verification: whatever the frame asks for."""
    assert callable(how)
    await socket.send({"type": "ping", "token": how(handler.access)})
    code, reason = await socket.closed()
    assert code == 4001
    assert reason.startswith("Unauthorized: ")
    assert [frame["type"] for frame in socket.frames] == ["welcome", "auth_failed"]


async def test_a_socket_belongs_to_its_session(hq: HQServer, socket: SocketClient) -> None:
    """Another agent's token, and another session's of the same agent, end it."""
    async with RestClient(hq) as other:
        await other.login(HANDLER)
        await socket.send({"type": "refresh", "token": other.access})
        assert (await socket.closed())[0] == 4001
        async with await SocketClient.open(hq, other.access, query="missions=none") as second:
            await second.expect("welcome")
            await other.login(ANALYST)
            await second.send({"type": "refresh", "token": other.access})
            assert (await second.closed())[0] == 4001


async def test_a_socket_ends_with_its_token(hq: HQServer, handler: RestClient) -> None:
    """It is warned before, and closed at the expiry, not after."""
    now = int(time.time())
    short = resigned(handler.access, iat=now, exp=now + 3)
    async with await SocketClient.open(hq, short, query="missions=none") as socket:
        warning = await socket.expect("token_expiring")
        assert 0 < warning["expires_in"] <= 3
        assert await socket.closed() == (4001, "Unauthorized: Token Expired")
        assert now + 2.5 < time.time() < now + 6


MALFORMED: dict[str, tuple[str, str | None]] = {
    "not JSON": ("{", None),
    "empty": ("", None),
    "array": ("[]", None),
    "text": ('"x"', None),
    "null": ("null", None),
    "NaN": ('{"type":"ping","id":NaN}', None),
    "no type": ('{"id":1}', "type"),
    "unknown type": ('{"type":"dance"}', "type"),
    "missing field": ('{"type":"subscribe"}', "mission"),
    "wrong type": ('{"type":"subscribe","mission":7}', "mission"),
    "unknown field": ('{"type":"ping","colour":"red"}', "colour"),
    "nested": ("[" * 100_000, None),
}


@pytest.mark.parametrize("name", MALFORMED)
async def test_a_malformed_frame_is_an_error_and_the_socket_lives(
    socket: SocketClient, name: str
) -> None:
    """The field is named where there is one."""
    text, field = MALFORMED[name]
    await socket.send(text)
    answer = await socket.expect("error")
    assert (answer["code"], answer.get("field")) == ("invalid", field)
    assert (await socket.ask("ping"))["type"] == "pong"


async def test_the_id_of_a_malformed_frame_is_repeated(socket: SocketClient) -> None:
    """Where it can be read."""
    await socket.send({"type": "subscribe", "id": "mine", "mission": 7})
    assert (await socket.expect("error"))["id"] == "mine"


async def test_ten_malformed_frames_end_the_socket(socket: SocketClient) -> None:
    """4000; refusals do not count."""
    for _ in range(12):
        assert (await socket.ask("subscribe", mission="unknown"))["code"] == "not_found"
    for _ in range(10):
        await socket.send("{")
    assert (await socket.closed())[0] == 4000


@pytest.mark.parametrize(
    ("message", "code"),
    [(b"binary", 1003), ("x" * (128 * 1024 + 1), 1009)],
    ids=["binary", "too big"],
)
async def test_what_is_no_text_frame_ends_the_socket(
    socket: SocketClient, message: str | bytes, code: int
) -> None:
    """With the code of RFC 6455."""
    await socket.send(message)
    assert (await socket.closed())[0] == code


async def test_a_flood_ends_the_socket_and_harms_no_other(serve: Serve) -> None:
    """Over 20 frames a second with bursts of 100: 4029."""
    server = serve()
    async with (
        await RestClient(server).login(HANDLER) as handler,
        await SocketClient.open(server, handler.access) as flooding,
        await SocketClient.open(server, handler.access) as calm,
    ):
        await flooding.expect("welcome")
        for _ in range(300):
            await flooding.send({"type": "ping"})
        assert (await flooding.closed())[0] == 4029
        assert (await calm.ask("ping"))["type"] == "pong"


async def test_an_agent_has_so_many_sockets(serve: Serve) -> None:
    """One more is refused, the others live, and a place that became free can be taken."""
    server = serve(settings=WIDE | {"HQ_SOCKETS_PER_AGENT": "2"})
    async with await RestClient(server).login(HANDLER) as handler:
        held = [await SocketClient.open(server, handler.access) for _ in range(2)]
        for socket in held:
            await socket.expect("welcome")
        refused = await SocketClient.open(server, handler.access, origin=server.origin)
        assert (await refused.closed())[0] == 4009
        assert (await held[1].ask("ping"))["type"] == "pong"
        await held[0].close()
        again = await opened_again(server, handler.access)
        await again.expect("welcome")
        await held[1].close()
        await again.close()


async def opened_again(server: HQServer, token: str) -> SocketClient:
    """A socket in the place that became free, as soon as that is known."""
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            return await SocketClient.open(server, token)
        except websockets.InvalidStatus as refused:
            if refused.response.status_code != 429 or time.monotonic() > deadline:
                raise


async def test_no_secret_is_in_the_log(hq: HQServer, handler: RestClient) -> None:
    """Neither tokens nor tickets nor what was said, whatever was refused."""
    ticket = await handler.ticket()
    for query in (f"ticket={ticket}", f"token={handler.access}"):
        await (await SocketClient.open(hq, query=query)).close()
    with pytest.raises(websockets.InvalidStatus):
        await SocketClient.open(hq, query="token=forged")
    mission = await handler.create_mission("Quiet")
    await handler.publish(mission, "a body that nobody may log")
    words = hq.log.read_text(encoding="utf-8")
    for secret in (ticket, "eyJ", "a body that nobody may log", "token=forged"):
        assert secret not in words


def test_the_frames_of_these_tests_are_frames() -> None:
    """What is meant to be JSON is JSON."""
    parsed: list[Frame] = [json.loads(text) for text, field in MALFORMED.values() if field]
    assert all(isinstance(frame, dict) for frame in parsed)
