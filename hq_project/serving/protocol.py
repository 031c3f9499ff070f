"""An open WebSocket: frames in, frames out, and the truth about its end.

Daphne drops close reasons and turns standard close codes into 1011; autobahn drops connections that
break the protocol without saying why, and styles a debug line for each frame. This subclass closes
with the code that is meant, bounds what is received and what waits to be sent, and does no more
for a frame than it must.
"""
# ruff: noqa: N802, N803, N815  (names of Twisted's, autobahn's and daphne's that are overridden here)

import logging
import time
from typing import TYPE_CHECKING, Any

from autobahn.util import encode_truncate
from autobahn.websocket.protocol import TrafficStats
from daphne.ws_protocol import WebSocketFactory, WebSocketProtocol

from agents.protocol import CloseCode
from hq_project.serving.handshake import ANSWER_SECONDS, LATER, REFUSED, Handshake, Message
from hq_project.serving.outgoing import LIMIT

if TYPE_CHECKING:
    from hq_project.serving.server import Server

logger = logging.getLogger(__name__)

CLOSE_SECONDS = 5
"""For the client to answer a close, before the connection is dropped."""

SLOW_CLOSE_SECONDS = 10
"""The same for a client that first has to read what waits for it."""

MAX_FRAGMENTS = 1_024
"""Of one message: empty ones would never reach the limit of its size."""

MAX_CONTROL_FRAMES = 100
CONTROL_WINDOW = 5.0
"""Seconds in which a client may send `MAX_CONTROL_FRAMES` pings and pongs."""

PONG_LATE = 0.5
"""Seconds that the end of the wait for a pong comes late by, if this worker stood still."""

PONG_GRACE = 5
"""Seconds to read the pong then: it may lie in the kernel since long."""

SENDABLE = frozenset({1000, 1001, 1002, 1003, *range(1007, 1015)})
"""Standard codes that may travel (RFC 6455, section 7.4.1, and the IANA registry)."""

_BROKEN: dict[int, str] = {
    CloseCode.INVALID_PAYLOAD: "The text is not UTF-8.",
    CloseCode.TOO_BIG: "The message is too large.",
}


class Socket(Handshake):
    """Daphne's WebSocket with HQ's promises."""

    failedByMe: bool
    message_data: list[bytes] | None
    _slow = False
    _fragments = 0
    _control_frames = 0
    _control_since = 0.0
    _pinged_at = 0.0

    @property
    def open(self) -> bool:
        """Whether the handshake is over and no close was sent."""
        return bool(self.state == self.STATE_OPEN)

    # What the application says

    def handle_reply(self, message: Message) -> None:
        """One ASGI message from the application. `ValueError` for one that has no place here."""
        if self.opening:
            self.answer(message)
        elif message["type"] == "websocket.close":
            self.shut(message.get("code") or CloseCode.NORMAL, message.get("reason") or "")
        elif message["type"] == "websocket.send" and self.open:
            text, data = message.get("text"), message.get("bytes")
            if text is not None:
                self.sendMessage(text.encode(), False)
            elif data is not None:
                self.sendMessage(data, True)
        elif self.open:  # after the end nothing is sent, and that is no mistake
            raise ValueError(f"{message['type']} has no place on an open socket.")

    def handle_exception(self, exception: BaseException) -> None:
        """The application failed: an error of HQ's own."""
        self.refuse(503, LATER)
        self.shut(CloseCode.INTERNAL_ERROR, "Something went wrong here.")

    def application_ended(self) -> None:
        """The application returned: nobody reads from this socket any more."""
        self.refuse(403, REFUSED)
        self.shut(CloseCode.NORMAL, "")

    def restart(self) -> None:
        """The worker ends: the client should come back at once, to another one."""
        self.refuse(503, "The server restarts. Try again.", [(b"Retry-After", b"1")])
        self.shut(CloseCode.SERVICE_RESTART, "The server restarts.")

    def too_slow(self) -> None:
        """More waits for this client than may: it is closed, and dropped unless it reads."""
        if not self._slow:  # the close frame itself passes here too
            self._slow = True
            self.closeHandshakeTimeout = SLOW_CLOSE_SECONDS
            self.shut(CloseCode.SLOW_CONSUMER, "Too far behind.")

    def shut(self, code: int, reason: str) -> None:
        """Closes an open socket after what was sent before, with exactly this code."""
        if not self.open:
            return
        if code not in SENDABLE and not 3000 <= code <= 4999:
            logger.error("websocket: %s is no code that may be sent", code)
            code = CloseCode.INTERNAL_ERROR
        self.sendCloseFrame(int(code), encode_truncate(reason, 123) if reason else None)
        self.application_queue.unbind()

    # Frames in

    def dataReceived(self, data: bytes) -> None:
        """Bytes came. After a broken frame there is no telling what they mean."""
        if not self.failedByMe:
            self._dataReceived(data)

    def onMessageFrameBegin(self, length: int) -> None:
        """A data frame begins: its message may be neither too long nor cut too small."""
        super().onMessageFrameBegin(length)
        self._fragments += 1
        if self._fragments > MAX_FRAGMENTS:
            self._fail_connection(CloseCode.TOO_BIG)

    def onMessageEnd(self) -> None:
        """A message is complete."""
        parts, self.message_data, self._fragments = self.message_data, None, 0
        if parts is not None and not self.failedByMe:
            self.onMessage(b"".join(parts), self.message_is_binary)

    def onMessage(self, payload: bytes, isBinary: bool) -> None:
        """Hands a message to the application; what it does with bytes is its decision."""
        if self.open:
            self.last_heard = time.monotonic()
            message: Message = {"type": "websocket.receive"}
            message["bytes" if isBinary else "text"] = payload if isBinary else payload.decode()
            self.application_queue.put_nowait(message, len(payload))

    def processControlFrame(self) -> bool:
        """A ping, pong or close. Autobahn answers pings itself, so a flood of them ends here."""
        now = time.monotonic()
        if now - self._control_since > CONTROL_WINDOW:
            self._control_since, self._control_frames = now, 0
        self._control_frames += 1
        if self._control_frames > MAX_CONTROL_FRAMES:
            self.shut(CloseCode.RATE_LIMITED, "Too many control frames.")
        return bool(super().processControlFrame())

    def _fail_connection(self, code: int = 1002, reason: str = "") -> None:
        """Says what was wrong and ends the own side; autobahn would drop the connection unsaid.

        `reason` is autobahn's, with input in it: not what a user is told. The rest of the input is
        ignored until the client has read the close, or time is up.
        """
        if not self.failedByMe:
            self.shut(code, _BROKEN.get(code, "This is no WebSocket frame."))
            self.failedByMe = True
            self.data = b""
            self.transport.loseWriteConnection()

    # Frames out

    def sendData(self, data: bytes, sync: bool = False, chopsize: int | None = None) -> None:
        """All that autobahn writes."""
        waits = self.outgoing.put(data)
        if waits > LIMIT:
            self.outgoing.judge(waits)

    def check_timeouts(self) -> None:
        """Pings a socket that was silent; autobahn drops it when no pong comes."""
        now = time.monotonic()
        if (
            self.open
            and self.autoPingTimeoutCall is None
            and now - self.last_heard > self.server.ping_interval
        ):
            self.last_heard = self._pinged_at = now
            self._sendAutoPing()

    def onAutoPingTimeout(self) -> None:
        """No pong was read in time; a worker that stood still itself has yet to look for it."""
        now, wait = time.monotonic(), self.server.ping_timeout
        if now - self._pinged_at - wait > PONG_LATE:
            self._pinged_at = now + PONG_GRACE - wait
            self.autoPingTimeoutCall = self.factory._batched_timer.call_later(
                PONG_GRACE, self.onAutoPingTimeout
            )
        else:
            super().onAutoPingTimeout()

    # The end

    def onClose(self, wasClean: bool, code: int | None, reason: str | None) -> None:
        """The connection is gone: the application hears the code it ended with."""
        # These refer back to the socket, which else would wait for the garbage collector.
        del self.is_closed, self.outgoing
        if not wasClean and self.localCloseCode is not None:
            code, reason = self.localCloseCode, None
        if self in self.server.connections:
            self.server.protocol_disconnected(self)
            self.application_queue.put_nowait(
                {"type": "websocket.disconnect", "code": code or 1005, "reason": reason or ""}
            )
        if self.opened_at is not None:
            details = {
                **self.details(),
                "code": code,
                "time_taken": time.monotonic() - self.opened_at,
            }
            self.server.log_action("websocket", "disconnected", details)


class SocketFactory(WebSocketFactory):
    """Makes the sockets of one server, all with the same options."""

    def __init__(self, server: "Server") -> None:
        super().__init__(server, server=server.server_name)
        self.setProtocolOptions(
            webStatus=False,
            allowNullOrigin=True,
            openHandshakeTimeout=ANSWER_SECONDS,
            closeHandshakeTimeout=CLOSE_SECONDS,
            autoPingTimeout=server.ping_timeout,
            maxMessagePayloadSize=server.websocket_max_message_size,
            maxFramePayloadSize=server.websocket_max_frame_size,
        )
        self.traffic = TrafficStats()
        names = (*WebSocketProtocol.CONFIG_ATTRS_COMMON, *WebSocketProtocol.CONFIG_ATTRS_SERVER)
        options = {name: getattr(self, name) for name in names}
        options["perMessageCompressionAccept"] = staticmethod(_no_compression)
        self.protocol = type("Socket", (Socket,), options)


def _no_compression(offers: Any) -> None:
    """83 KB a connection against 33, and a length side channel: not for this."""
