"""A plain ASGI application that does what the path says: the server is tested with nothing else.

What it hears of the end of a socket it prints as a line `ended CODE PATH`, which tests wait for in
the server's log.
"""

import asyncio
import json
import os
import sys
import time
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any
from urllib.parse import parse_qs

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]


released = asyncio.Event()


async def application(scope: Message, receive: Receive, send: Send) -> None:
    """Answers HTTP with what it saw; plays the part that a socket's path names."""
    if scope["type"] == "http":
        await answer(scope, receive, send)
        return
    part = PARTS[scope["path"].strip("/")]
    assert (await receive())["type"] == "websocket.connect"
    await part(scope, receive, send)


async def answer(scope: Message, receive: Receive, send: Send) -> None:
    """The scope and the length of the body as JSON; `/slow` first waits for its query's seconds."""
    length, more = 0, True
    while more:
        message = await receive()
        length += len(message.get("body", b""))
        more = message.get("more_body", False)
    if scope["path"] == "/slow":
        say("begun", scope["path"])
        await asyncio.sleep(float(scope["query_string"]))
    if scope["path"] == "/release":
        released.set()
    if scope["path"] == "/exit":
        os._exit(3)
    body = json.dumps(
        {
            "path": scope["path"],
            "root_path": scope["root_path"],
            "client": scope["client"][0],
            "length": length,
            "pid": os.getpid(),
            "loop": type(asyncio.get_running_loop()).__module__,
        }
    ).encode()
    await send(
        {
            "type": "http.response.start",
            "status": 200,
            "headers": [(b"content-length", b"%d" % len(body))],
        }
    )
    await send({"type": "http.response.body", "body": body})


async def echo(scope: Message, receive: Receive, send: Send) -> None:
    """Accepts and sends back what comes, until the socket ends."""
    offered = scope["subprotocols"]
    await send({"type": "websocket.accept", "subprotocol": offered[0] if offered else None})
    while (message := await receive())["type"] == "websocket.receive":
        if message.get("text") == "close":
            await send({"type": "websocket.close", "code": 4321, "reason": "as asked"})
        else:
            await send({**message, "type": "websocket.send"})
    say("ended", message["code"], scope["path"])


async def pid(scope: Message, receive: Receive, send: Send) -> None:
    """Says which process serves it."""
    await send({"type": "websocket.accept"})
    await send({"type": "websocket.send", "text": str(os.getpid())})
    say("ended", (await receive())["code"], scope["path"])


async def deny(scope: Message, receive: Receive, send: Send) -> None:
    """Denies with the status of the query, a header and a body in two parts."""
    query = parse_qs(scope["query_string"].decode())
    await send(
        {
            "type": "websocket.http.response.start",
            "status": int(query["status"][0]),
            "headers": [
                (b"content-type", b"application/json"),
                (b"www-authenticate", b'Bearer error="invalid_token"'),
            ],
        }
    )
    await send({"type": "websocket.http.response.body", "body": b'{"code":', "more_body": True})
    await send({"type": "websocket.http.response.body", "body": b'"token_invalid"}'})
    say("ended", (await receive())["code"], scope["path"])


async def reject(scope: Message, receive: Receive, send: Send) -> None:
    """Closes before accepting."""
    await send({"type": "websocket.close", "code": 4001})


async def close(scope: Message, receive: Receive, send: Send) -> None:
    """Accepts and closes with the code and reason of the query."""
    query = parse_qs(scope["query_string"].decode())
    await send({"type": "websocket.accept"})
    await send(
        {"type": "websocket.close", "code": int(query["code"][0]), "reason": query["reason"][0]}
    )
    await receive()


async def leave(scope: Message, receive: Receive, send: Send) -> None:
    """Accepts and returns without a close."""
    await send({"type": "websocket.accept"})


async def fail(scope: Message, receive: Receive, send: Send) -> None:
    """Accepts and raises."""
    await send({"type": "websocket.accept"})
    raise RuntimeError("as the path asked for")


async def fail_early(scope: Message, receive: Receive, send: Send) -> None:
    """Raises before accepting."""
    raise RuntimeError("as the path asked for")


async def wrong_subprotocol(scope: Message, receive: Receive, send: Send) -> None:
    """Accepts with a sub-protocol that nobody offered."""
    await send({"type": "websocket.accept", "subprotocol": "unheard.of"})


async def silent(scope: Message, receive: Receive, send: Send) -> None:
    """Never answers the handshake."""
    say("begun", scope["path"])
    say("ended", (await receive())["code"], scope["path"])


async def stubborn(scope: Message, receive: Receive, send: Send) -> None:
    """Does not end when its socket does, only when it is cancelled."""
    await send({"type": "websocket.accept"})
    try:
        await asyncio.Event().wait()
    finally:
        say("cancelled", scope["path"])


async def frames(scope: Message, receive: Receive, send: Send) -> None:
    """Writes N prepared frames of SIZE letters for every text `N SIZE`, through the extension.

    With a query as frames that do not count towards its limit.
    """
    outgoing = scope["extensions"]["hq.outgoing"]
    await send({"type": "websocket.accept"})
    while (message := await receive())["type"] == "websocket.receive":
        count, size = map(int, message["text"].split())
        for number in range(count):
            outgoing.write(framed(b"%08d" % number + b"x" * (size - 8)), not scope["query_string"])
            await asyncio.sleep(0)
        say("waiting", outgoing.waiting())
    say("ended", message["code"], scope["path"])


async def abort(scope: Message, receive: Receive, send: Send) -> None:
    """Aborts through the extension at the first message."""
    await send({"type": "websocket.accept"})
    await receive()
    scope["extensions"]["hq.outgoing"].abort()
    say("ended", (await receive())["code"], scope["path"])


async def hold(scope: Message, receive: Receive, send: Send) -> None:
    """Takes one message and then nothing until a request for `/release` comes."""
    await send({"type": "websocket.accept"})
    await receive()
    await send({"type": "websocket.send", "text": "held"})
    await released.wait()
    count = 0
    while (message := await receive())["type"] == "websocket.receive":
        count += 1
        if message.get("text") == "end":
            await send({"type": "websocket.send", "text": str(count)})
    say("ended", message["code"], scope["path"])


async def stand_still(scope: Message, receive: Receive, send: Send) -> None:
    """Holds the whole worker up for so many seconds as the first message says.

    While it reads: what is due then comes before what other sockets were sent meanwhile.
    """
    await send({"type": "websocket.accept"})
    seconds = float((await receive())["text"])
    loop, (reads, writes) = asyncio.get_running_loop(), os.pipe()

    def stand() -> None:
        loop.remove_reader(reads)
        say("stands", seconds)
        time.sleep(seconds)

    loop.add_reader(reads, stand)
    os.write(writes, b"now")
    await receive()


def framed(payload: bytes) -> bytes:
    """One text frame, as an application that prepares frames writes it."""
    if len(payload) < 126:
        return b"\x81%c%b" % (len(payload), payload)
    return b"\x81\x7e%b%b" % (len(payload).to_bytes(2, "big"), payload)


def say(*words: object) -> None:
    """One line in the server's log."""
    sys.stdout.write(" ".join(map(str, words)) + "\n")
    sys.stdout.flush()


PARTS: dict[str, Callable[[Message, Receive, Send], Awaitable[None]]] = {
    part.__name__: part
    for part in (
        echo, pid, deny, reject, close, leave, fail, fail_early, wrong_subprotocol, silent,
        stubborn, frames, abort, hold, stand_still,
    )
}  # fmt: skip
