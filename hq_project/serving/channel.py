"""One HTTP connection: how long a request head may take, and how large head and body may be.

Twisted's channel waits for as long as bytes trickle in, answers a large head with 400 or with
nothing, and lets daphne spool a body of any size to disk. This one gives a head ten seconds and
16 KiB, a body `MAX_BODY`, and says why it refuses in a way that arrives: it ends its own side and
reads on for a moment, because closing with input unread makes the kernel reset the connection and
throw the answer away.
"""
# ruff: noqa: N802, N815  (names of Twisted's that are overridden here)

from typing import TYPE_CHECKING, Any

from twisted.protocols.basic import LineReceiver
from twisted.web import http

from agents import notebook
from agents.addresses import client_address
from hq_project.serving import answers
from hq_project.serving.request import Request

if TYPE_CHECKING:
    from hq_project.serving.server import Server

HEAD_SECONDS = 8.0
"""From connecting, or from the first byte of a later request, to the end of its head."""

BODY_SECONDS = 30.0
"""Without a byte of the body."""

KEEP_ALIVE_SECONDS = 75.0
"""Between requests: longer than proxies keep a connection idle, so that they end it."""

LINGER_SECONDS = 2.0

MAX_HEAD = 16 * 1024
MAX_BODY = 2 * 1024 * 1024


class Channel(http.HTTPChannel):
    """Twisted's HTTP/1.1 connection with limits that hold."""

    requestFactory = Request
    totalHeadersSize = MAX_HEAD
    MAX_LENGTH = MAX_HEAD

    requests: list[Request]
    _between_requests = False
    _refused = False
    _body_bytes = 0

    def connectionMade(self) -> None:
        """A client connected: its first head is awaited."""
        super().connectionMade()
        self.factory.channels.add(self)

    def connectionLost(self, reason: Any) -> None:
        """The connection is gone."""
        super().connectionLost(reason)
        self._gone()

    def dataReceived(self, data: bytes) -> None:
        """Bytes came: only those of a body earn more time."""
        if self._refused:
            return
        if self._between_requests:
            self._between_requests = False
            self.setTimeout(HEAD_SECONDS)
        elif not self.line_mode and not self._handlingRequest:
            self.resetTimeout()
        LineReceiver.dataReceived(self, data)

    def lineReceived(self, line: bytes) -> None:
        """One line of a head."""
        if not self._refused:
            super().lineReceived(line)

    def rawDataReceived(self, data: bytes) -> None:
        """Part of a body, or of the next request."""
        if self._refused:
            return
        if not self._handlingRequest:
            self._body_bytes += len(data)
            if self._body_bytes > MAX_BODY:
                self.refuse(413, "The body is too large.")
                return
        super().rawDataReceived(data)

    def allHeadersReceived(self) -> None:
        """A head is complete: its body has a clock of its own."""
        self._body_bytes = 0
        self.setTimeout(BODY_SECONDS)
        if self.length is not None and self.length > MAX_BODY:
            self.refuse(413, "The body is too large.")
        else:
            super().allHeadersReceived()

    def requestDone(self, request: http.Request) -> None:
        """A response is written; the next request may already wait."""
        self._between_requests = True
        super().requestDone(request)
        if self._between_requests and self.persistent:
            self.setTimeout(KEEP_ALIVE_SECONDS)

    def lineLengthExceeded(self, line: bytes) -> None:
        """A single line is larger than a whole head may be."""
        self.refuse(431, "The request head is over 16 KiB.")

    def _respondToBadRequestAndDisconnect(self) -> None:
        if (
            self._receivedHeaderSize > self.totalHeadersSize
            or self._receivedHeaderCount > self.maxHeaders
        ):
            self.refuse(431, "The request head is over 16 KiB.")
        else:
            self.refuse(400, "This is not an HTTP request that can be read.")

    def refuse(self, status: int, message: str) -> None:
        """Answers, ends the own side, and ignores what still comes until the client has read."""
        if self._refused:
            return
        self._refused = True
        self._note(f"http {status}")
        self.setTimeout(None)
        self._networkProducer.resumeProducing()
        self._networkProducer.unregisterProducer()
        self.transport.write(answers.refusal(status, message))
        self.transport.loseWriteConnection()
        self.callLater(LINGER_SECONDS, self.transport.abortConnection)

    def timeoutConnection(self) -> None:
        """Time is up: of a client that rests, or of one that never ends what it began."""
        begun = self._receivedHeaderSize or self._buffer or not self.line_mode
        if begun and not self._refused and not self._between_requests:
            self._note("http timeout")
        super().timeoutConnection()

    def _note(self, reason: str) -> None:
        # Whom a proxy speaks for is in a head that could not be read.
        peer = client_address(getattr(self.transport.getPeer(), "host", None), (), ())
        notebook.refused("input_validation_fail", reason, peer)

    def left_to_socket(self) -> None:
        """The connection became a WebSocket: this channel hears no more of it."""
        self._networkProducer.unregisterProducer()
        self.requests = []
        self._gone()

    def _gone(self) -> None:
        self.factory.channels.discard(self)
        self.factory.server.something_ended()

    def drain(self) -> None:
        """The server ends: no further request after the one that is being answered."""
        if self._handlingRequest:
            self.persistent = False
        elif not self._refused:
            self.loseConnection()


class ChannelFactory(http.HTTPFactory):
    """Makes the channels of one server and knows those that are open."""

    protocol = Channel

    def __init__(self, server: "Server") -> None:
        super().__init__(timeout=HEAD_SECONDS)
        self.server = server
        self.channels: set[Channel] = set()

    def log(self, request: http.Request) -> None:
        """Twisted's own access log is not kept: `access` is."""
