"""A client that writes and reads bytes: for what a well-behaved library would never send."""

import contextlib
import socket
import time
from collections.abc import Iterator
from typing import NamedTuple, Protocol, Self

KEY = "dGhlIHNhbXBsZSBub25jZQ=="

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10


class Listening(Protocol):
    """A server, as far as it matters here."""

    port: int


class Frame(NamedTuple):
    """One frame from the server."""

    opcode: int
    payload: bytes


class Response(NamedTuple):
    """One HTTP response; header names in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes


class Wire:
    """One TCP connection to a server."""

    def __init__(
        self,
        server: Listening,
        *,
        receive_buffer: int | None = None,
        local_address: str | None = None,
    ) -> None:
        self.socket = socket.socket()
        if local_address is not None:
            self.socket.bind((local_address, 0))
        if receive_buffer is not None:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.settimeout(15)
        self.socket.connect(("127.0.0.1", server.port))
        self._held = b""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.socket.close()

    def send(self, data: bytes) -> None:
        """Writes all of it, unless the server has gone."""
        with contextlib.suppress(ConnectionError):
            self.socket.sendall(data)

    def read(self, size: int) -> bytes:
        """Exactly that many bytes; fewer only at the end of the connection."""
        while len(self._held) < size:
            try:
                data = self.socket.recv(65_536)
            except ConnectionError:
                data = b""
            if not data:
                break
            self._held += data
        taken, self._held = self._held[:size], self._held[size:]
        return taken

    def seconds_until_closed(self) -> float:
        """How long the server keeps the connection."""
        begun = time.monotonic()
        while self.read(65_536):
            pass
        return time.monotonic() - begun

    # HTTP

    def request(self, *lines: str, body: bytes = b"") -> Response:
        """Sends a head and a body, and reads the response."""
        self.send("\r\n".join((*lines, "", "")).encode("latin-1") + body)
        return self.response()

    def response(self) -> Response:
        """The next response."""
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            byte = self.read(1)
            assert byte, f"the connection ended within a response: {head!r}"
            head += byte
        first, *rest = head.decode("latin-1").split("\r\n")
        headers = {
            name.lower(): value.strip() for name, _, value in (line.partition(":") for line in rest)
        }
        status = int(first.split(" ")[1])
        length = int(headers.get("content-length", 0)) if status != 101 else 0
        return Response(status, headers, self.read(length))

    def handshake(self, path: str, *more: str) -> Response:
        """Asks for a WebSocket."""
        return self.request(*handshake(path), *more)

    # Frames

    def frame(self, opcode: int, payload: bytes = b"", *, last: bool = True) -> None:
        """Sends one masked frame."""
        self.send(masked(opcode, payload, last=last))

    def next_frame(self) -> Frame | None:
        """The next frame, None at the end of the connection."""
        head = self.read(2)
        if len(head) < 2:
            return None
        size = head[1] & 0x7F
        if size > 125:
            size = int.from_bytes(self.read(2 if size == 126 else 8), "big")
        return Frame(head[0] & 0x0F, self.read(size))

    def frames(self) -> Iterator[Frame]:
        """All frames up to a close or the end of the connection."""
        while (frame := self.next_frame()) is not None:
            yield frame
            if frame.opcode == CLOSE:
                break

    def close_code(self) -> int | None:
        """The code of the close that comes, whatever comes before; None when none does."""
        for frame in self.frames():
            if frame.opcode == CLOSE:
                return int.from_bytes(frame.payload[:2], "big")
        return None


def handshake(path: str) -> tuple[str, ...]:
    """The lines of a good handshake."""
    return (
        f"GET {path} HTTP/1.1",
        "Host: localhost",
        "Upgrade: websocket",
        "Connection: Upgrade",
        f"Sec-WebSocket-Key: {KEY}",
        "Sec-WebSocket-Version: 13",
    )


def masked(opcode: int, payload: bytes = b"", *, last: bool = True) -> bytes:
    """A frame as clients send it, with a mask of zeros."""
    size = len(payload)
    if size < 126:
        length = bytes([0x80 | size])
    elif size < 65_536:
        length = b"\xfe" + size.to_bytes(2, "big")
    else:
        length = b"\xff" + size.to_bytes(8, "big")
    return bytes([(0x80 if last else 0) | opcode]) + length + b"\0\0\0\0" + payload
