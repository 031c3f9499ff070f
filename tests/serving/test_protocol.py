"""An open WebSocket: what may be received, what is sent, and with which code it ends."""

import pytest
import websockets

from tests.serving.process import Serving
from tests.serving.wire import BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, Wire, masked

LIMIT = 128 * 1024


async def closed_with(socket: websockets.ClientConnection) -> tuple[int, str]:
    """Code and reason of the close that comes next."""
    with pytest.raises(websockets.ConnectionClosed) as closed:
        await socket.recv()
    assert closed.value.rcvd is not None
    return closed.value.rcvd.code, closed.value.rcvd.reason


@pytest.mark.parametrize("code", [1000, 1001, 1003, 1008, 1011, 1012, 1013, 3000, 4001, 4029, 4999])
async def test_codes_and_reasons_are_sent_as_the_application_says(
    server: Serving, code: int
) -> None:
    """Standard codes too: none becomes 1011."""
    url = f"{server.socket_url}/close?code={code}&reason=Unauthorized: Token Expired"
    async with websockets.connect(url.replace(" ", "%20")) as socket:
        assert await closed_with(socket) == (code, "Unauthorized: Token Expired")


@pytest.mark.parametrize("code", [7, 999, 1004, 1005, 1006, 1015, 2999, 5000])
async def test_a_code_that_may_not_travel_is_an_error_of_the_server(
    server: Serving, code: int
) -> None:
    """RFC 6455, section 7.4.1: the client would have to fail the connection."""
    async with websockets.connect(f"{server.socket_url}/close?code={code}&reason=x") as socket:
        assert await closed_with(socket) == (1011, "x")


async def test_a_long_reason_is_cut_between_characters(server: Serving) -> None:
    """A close frame holds 123 bytes of it."""
    url = f"{server.socket_url}/close?code=4000&reason={'%C3%A9' * 100}"
    async with websockets.connect(url) as socket:
        assert await closed_with(socket) == (4000, "é" * 61)


@pytest.mark.parametrize(("path", "code"), [("leave", 1000), ("fail", 1011)])
async def test_a_socket_ends_with_its_application(server: Serving, path: str, code: int) -> None:
    """Nobody would ever read from it again."""
    async with websockets.connect(f"{server.socket_url}/{path}") as socket:
        assert (await closed_with(socket))[0] == code


async def test_text_and_bytes_arrive_as_such(server: Serving) -> None:
    """What bytes mean is the application's decision; an empty text is a text."""
    async with websockets.connect(f"{server.socket_url}/echo") as socket:
        for message in ("text", b"bytes", "", "x" * LIMIT, "é"):
            await socket.send(message)
            assert await socket.recv() == message


async def test_the_application_hears_the_clients_code(server: Serving) -> None:
    """The code that the client closed with."""
    async with websockets.connect(f"{server.socket_url}/echo") as socket:
        await socket.close(4777)
    server.wait_for("ended 4777 /echo")


def opened(wire: Wire) -> Wire:
    """The wire with an open socket that echoes."""
    assert wire.handshake("/echo").status == 101
    return wire


def test_text_that_is_not_utf8_gets_1007(server: Serving) -> None:
    """Also when the first half of a character ends the message, or the frames go on after it."""
    for payload in (b"\xff\xfe", b"ab\xc3", b"\xed\xa0\x80", b"\xff" * 100_000):
        with Wire(server) as wire:
            opened(wire).frame(TEXT, payload)
            assert wire.next_frame() == (
                CLOSE,
                (1007).to_bytes(2, "big") + b"The text is not UTF-8.",
            )
            assert wire.next_frame() is None
    server.wait_for("ended 1007 /echo")


def test_a_message_over_128_kib_gets_1009(server: Serving) -> None:
    """In one frame, of which only the head was sent; in one frame, whole; in many."""
    whole = masked(TEXT, b"x" * (LIMIT + 1))
    parts = [masked(TEXT, b"x" * 50_000, last=False)]
    parts += [masked(CONTINUATION, b"x" * 50_000, last=False)] * 50
    for data in (whole[:14], whole, b"".join(parts), masked(BINARY, b"x" * 10_000_000)):
        with Wire(server) as wire:
            opened(wire).send(data)
            assert wire.close_code() == 1009


def test_endless_empty_fragments_get_1009(server: Serving) -> None:
    """They never reach the limit of the size."""
    with Wire(server) as wire:
        data = masked(TEXT, last=False) + masked(CONTINUATION, last=False) * 100_000
        opened(wire).send(data)
        assert wire.close_code() == 1009


def test_a_message_in_fragments_is_one_message(server: Serving) -> None:
    """With a ping in between (RFC 6455, section 5.4)."""
    with Wire(server) as wire:
        opened(wire).frame(TEXT, b"in ", last=False)
        wire.frame(PING, b"now")
        wire.frame(CONTINUATION, b"three ", last=False)
        wire.frame(CONTINUATION, b"parts")
        assert wire.next_frame() == (PONG, b"now")
        assert wire.next_frame() == (TEXT, b"in three parts")


@pytest.mark.parametrize(
    "data",
    [
        b"\x81\x02hi",
        masked(3, b"reserved"),
        masked(CONTINUATION, b"of nothing"),
        b"\xf1\x80\0\0\0\0",
        masked(PING, b"x" * 126),
        masked(PING, last=False),
        masked(CLOSE, b"\x03"),
        masked(CLOSE, (1005).to_bytes(2, "big")),
    ],
)
def test_broken_frames_get_1002(server: Serving, data: bytes) -> None:
    """Said, not dropped: unmasked, reserved, out of place, too long, or a bad close."""
    with Wire(server) as wire:
        opened(wire).send(data)
        assert wire.close_code() == 1002


def test_a_flood_of_pings_gets_4029(server: Serving) -> None:
    """They are answered below the application, which could not limit them."""
    with Wire(server) as wire, Wire(server) as other:
        opened(other)
        opened(wire).send(masked(PING, b"x") * 5_000)
        assert wire.close_code() == 4029
        other.frame(TEXT, b"unharmed")
        assert other.next_frame() == (TEXT, b"unharmed")


def test_frames_after_the_servers_close_are_not_delivered(server: Serving) -> None:
    """The application asked for the end: it hears that, and nothing else."""
    with Wire(server) as wire:
        opened(wire).send(masked(TEXT, b"close") + masked(TEXT, b"too late"))
        assert wire.next_frame() == (CLOSE, (4321).to_bytes(2, "big") + b"as asked")
        wire.frame(CLOSE, (4321).to_bytes(2, "big"))
        assert wire.next_frame() is None
    server.wait_for("ended 4321 /echo")
