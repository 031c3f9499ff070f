"""A WebSocket until it is open: how its handshake is answered.

Daphne answers every refused handshake with 403 and a page; autobahn repeats what the client sent.
Here a refusal is the response that the application wrote (ASGI, "WebSocket Denial Response"), or
JSON in the shape of the contract. Whatever happens, a handshake is answered once and in time.
"""
# ruff: noqa: N802, N803  (names of Twisted's, autobahn's and daphne's that are overridden here)

import time
from typing import TYPE_CHECKING, Any

from daphne.ws_protocol import WebSocketProtocol
from django.conf import settings

from agents import notebook
from agents.addresses import client_address
from hq_project.serving import answers
from hq_project.serving.inbox import Inbox
from hq_project.serving.outgoing import Outgoing

if TYPE_CHECKING:
    from hq_project.serving.server import Server

Message = dict[str, Any]

ANSWER_SECONDS = 8
"""For the application to answer a handshake."""

LATER = "Not available now. Try again."
NOT_UNDERSTOOD = "This is not a WebSocket handshake that HQ understands."
REFUSED = "You may not do this."

_ONLY_FOR_THE_HANDSHAKE = (
    "_wskey",
    "application_deferred",
    "clean_headers",
    "http_headers",
    "http_request_data",
    "http_request_host",
    "http_request_params",
    "http_request_path",
    "http_request_uri",
    "http_response_data",
    "http_status_line",
    "request",
    "websocket_extensions",
    "websocket_extensions_in_use",
    "websocket_origin",
    "websocket_protocols",
)


class Handshake(WebSocketProtocol):
    """What `protocol.Socket` is before it is open."""

    # Empty, so that autobahn copies no options to each connection and logs none of them: the
    # factory puts them on a class of its own.
    CONFIG_ATTRS = ()

    opened_at: float | None = None
    said: dict[str, str] = {}
    _address: str | None = None
    _denial: Message | None = None
    _denial_body = b""

    @property
    def server(self) -> "Server":
        """The server that this socket belongs to."""
        return self.factory.server_class  # type: ignore[no-any-return]

    @server.setter
    def server(self, server: "Server") -> None:
        """Daphne sets it in `onConnect`, which a malformed handshake never reaches."""

    @property
    def opening(self) -> bool:
        """Whether the handshake is not answered yet."""
        return bool(self.state == self.STATE_CONNECTING)

    def connectionMade(self) -> None:
        """The connection was taken over from HTTP."""
        peer = self.transport.getPeer()
        self.peer = str(peer)
        self.client_addr = [str(peer.host), peer.port] if hasattr(peer, "host") else None
        self.last_heard = time.monotonic()
        self._transport_details = None
        self._connectionMade()
        self.outgoing = Outgoing(self)
        # One for all: nobody reads them. And `sendData` needs no queue.
        self.trafficStats = self.factory.traffic
        self.send_queue = ()

    def onConnect(self, request: Any) -> Any:
        """The handshake is well-formed: starts the application on it."""
        self.application_queue = Inbox(self.transport)
        self._address = self._client_address()
        return super().onConnect(request)

    def tell(self, **said: str) -> None:
        """Takes what the application wants the access log to say of this connection."""
        self.said = {**self.said, **said}

    def answer(self, message: Message) -> None:
        """The application's answer. `ValueError` for what is none."""
        kind = message["type"]
        if kind == "websocket.accept":
            self.serverAccept(message.get("subprotocol"))
        elif kind == "websocket.close":
            self.serverReject()
        elif kind == "websocket.http.response.start":
            self._denial = message
        elif kind == "websocket.http.response.body" and self._denial is not None:
            self._denial_body += message.get("body", b"")
            if not message.get("more_body", False):
                status, headers = self._denial["status"], list(self._denial.get("headers", ()))
                self._deny(status, answers.response(status, headers, self._denial_body))
        else:
            raise ValueError(f"{kind} is no answer to a handshake.")

    def serverAccept(self, subprotocol: str | None = None) -> None:
        """Opens the socket, with a sub-protocol that the client offered or none."""
        if subprotocol is not None and subprotocol not in self.websocket_protocols:
            raise ValueError("The client did not offer that sub-protocol.")
        handshake = self.__dict__.pop("handshake_deferred", None)
        if handshake is not None:
            handshake.callback(subprotocol)

    def serverReject(self) -> None:
        """A close before the accept, from an application that gives no response of its own."""
        self.refuse(403, REFUSED)

    def onOpenHandshakeTimeout(self) -> None:
        """The application did not answer in time."""
        self.openHandshakeTimeoutCall = None
        self.refuse(503, LATER)

    def failHandshake(self, reason: str, code: int = 400, responseHeaders: Any = None) -> None:
        """Autobahn's way out. `reason` repeats what the client sent: it is not sent back."""
        headers = [(name.encode(), str(value).encode()) for name, value in responseHeaders or ()]
        if code < 500:
            notebook.refused("input_validation_fail", "handshake", self._client_address())
        self.refuse(code, LATER if code >= 500 else NOT_UNDERSTOOD, headers)

    def refuse(self, status: int, message: str, headers: answers.Headers = ()) -> None:
        """Answers a handshake that will not open, unless it was answered."""
        self._deny(status, answers.refusal(status, message, headers))

    def _deny(self, status: int, response: bytes) -> None:
        if self.opening:
            self.__dict__.pop("handshake_deferred", None)
            self.transport.write(response)
            self.wasNotCleanReason = "refused"
            self.dropConnection(abort=False)
            self.server.log_action("websocket", "rejected", {**self.details(), "status": status})

    def _onOpen(self) -> None:
        """The handshake is answered: what only it needed goes."""
        self.opened_at = time.monotonic()
        for name in _ONLY_FOR_THE_HANDSHAKE:
            self.__dict__.pop(name, None)

    def details(self) -> dict[str, Any]:
        """What the access log tells of this connection."""
        peer = self.client_addr
        address = self._address or self._client_address()
        behind_proxy = peer is not None and address != client_address(peer[0], (), ())
        return {
            "client": address if behind_proxy else f"{peer[0]}:{peer[1]}" if peer else "-",
            "path": getattr(self, "path", b"-").decode("ascii", "replace"),
            "application": self.said,
        }

    def _client_address(self) -> str | None:
        """The client's, by the trusted proxies, as far as the head was read."""
        # Autobahn joins several headers of a name by commas.
        forwarded = getattr(self, "http_headers", {}).get("x-forwarded-for")
        return client_address(
            self.client_addr[0] if self.client_addr else None,
            [forwarded] if forwarded else [],
            settings.HQ_TRUSTED_PROXIES,
        )
