"""The first message: how a client authenticates on a socket that is open already.

Any browser may, and any program that offers `hq.v1`. Both are told of a refusal by a frame.
"""

import asyncio
import json

import pytest

from tests.handshakes import BAD, Carried, assert_told_and_closed, connect
from tests.hq_server import HQServer
from tests.rest_client import RestClient

TEXTS = {
    "frame": lambda token: json.dumps({"type": "authenticate", "token": token}),
    "text": lambda token: f"Authorization: Bearer {token}",
}
CLIENTS = {
    "program": Carried(subprotocols=["hq.v1"], echoed="hq.v1"),
    "browser": Carried(),
}


@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize("text", TEXTS)
async def test_a_good_first_message_opens(
    hq: HQServer, handler: RestClient, text: str, client: str
) -> None:
    """Nothing is said before it, `welcome` after it."""
    origin = hq.origin if client == "browser" else None
    async with await connect(hq, CLIENTS[client], origin) as socket:
        await socket.send(TEXTS[text](handler.access))
        assert (await socket.next())["type"] == "welcome"


@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("state", BAD)
async def test_a_bad_first_message_is_refused(
    hq: HQServer, handler: RestClient, state: str, text: str, client: str
) -> None:
    """The socket is open already: both kinds of client are told by a frame."""
    spoil, code = BAD[state]
    origin = hq.origin if client == "browser" else None
    async with await connect(hq, CLIENTS[client], origin) as socket:
        await socket.send(TEXTS[text](spoil(handler.access)))
        await assert_told_and_closed(socket, code)


async def test_a_first_message_must_authenticate_and_must_come(hq: HQServer) -> None:
    """Anything else is refused at once, silence after five seconds."""
    silent = [
        await connect(hq, CLIENTS["program"], None),
        await connect(hq, CLIENTS["browser"], hq.origin),
    ]
    for client, origin in (("program", None), ("browser", hq.origin)):
        async with await connect(hq, CLIENTS[client], origin) as socket:
            await socket.send({"type": "subscribe", "mission": "x"})
            await assert_told_and_closed(socket, "token_missing")
    await asyncio.gather(*(assert_told_and_closed(socket, "auth_timeout") for socket in silent))
