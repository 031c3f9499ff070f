"""One HTTP request: what is decided before daphne looks at it, and what is kept after an upgrade.

Decides on the Origin of a handshake, because autobahn would answer a malformed one itself, and
takes away the header by which any client could set the application's root path.
"""

import contextvars
from typing import Any

from daphne.http_protocol import WebRequest
from django.conf import settings

from agents import notebook
from agents.addresses import client_address
from agents.errors import OriginRefused
from agents.sockets.credentials import origin_allowed
from hq_project.serving import access, answers


class Request(WebRequest):
    """Daphne's request, for HTTP and for handshakes of WebSockets."""

    client_addr: list[Any] | None

    def requestReceived(  # noqa: N802  (Twisted's name)
        self, command: bytes, path: bytes, version: bytes
    ) -> None:
        """The last byte came. Twisted would read query and forms here, which the application does;
        and a Content-Type that it cannot read would end the connection without an answer.
        """
        self.content.seek(0, 0)
        self.args: dict[bytes, list[bytes]] = {}
        self.method, self.uri, self.clientproto = command, path, version
        self.path = path.partition(b"?")[0]
        self.process()

    def process(self) -> Any:
        """The request is complete: hands it to the application, or to a WebSocket.

        In a context of its own: that of the moment may belong to the request before it on the same
        connection, and have the log name its session.
        """
        return contextvars.Context().run(self._process)

    def _process(self) -> Any:
        self.requestHeaders.removeHeader(b"daphne-root-path")
        shown = self._shown_client()
        if self._is_handshake():
            refusal = self._refusal_of_handshake()
            if refusal is not None:
                self._answer(*refusal)
                return None
            # None is ever agreed on, and autobahn refuses what it cannot parse.
            self.requestHeaders.removeHeader(b"sec-websocket-extensions")
            done = super().process()
            self._release()
            return done
        done = super().process()
        self.client_addr = shown  # the application has its scope: now only the log looks here
        return done

    def basic_error(self, status: int, status_text: bytes, body: str) -> None:
        """What the server itself answers: JSON, where daphne has a page."""
        if not self._response_started:
            self._answer(status, answers.code_of(status), f"{body}.".replace("..", "."))

    def _is_handshake(self) -> bool:
        upgrade = self.requestHeaders.getRawHeaders(b"upgrade", [b""])
        return bool(upgrade[0].lower() == b"websocket")

    def _refusal_of_handshake(self) -> tuple[int, str, str] | None:
        """Status, code and message, when the handshake is not even looked at."""
        origins = self.requestHeaders.getRawHeaders(b"origin", [])
        if len(origins) > 1 or not all(origin_allowed(one.decode("latin-1")) for one in origins):
            refused = OriginRefused()
            notebook.refused("origin_refused", "socket", self._address())
            return refused.status, refused.code, refused.message
        offered = self.requestHeaders.getRawHeaders(b"sec-websocket-protocol", [])
        if not all(value.isascii() for value in offered):
            notebook.refused("input_validation_fail", "handshake", self._address())
            return 400, "invalid", "A sub-protocol is written in ASCII."
        return None

    def _address(self) -> str | None:
        forwarded = self.requestHeaders.getRawHeaders(b"x-forwarded-for", [])
        return client_address(
            getattr(self.client, "host", None),
            [value.decode("latin-1") for value in forwarded],
            settings.HQ_TRUSTED_PROXIES,
        )

    def _shown_client(self) -> list[Any] | None:
        """Whom the access log names: the client, and its port unless a proxy speaks for it."""
        peer = getattr(self.client, "host", None)
        if peer is None:
            return None
        address = self._address()
        if address in (None, client_address(peer, (), ())):
            return [str(peer), self.client.port]
        return [address, access.NO_PORT]

    def _answer(self, status: int, code: str, message: str) -> None:
        body = answers.json_body(code, message)
        self.client_addr = self._shown_client()
        self.handle_reply(
            {
                "type": "http.response.start",
                "status": status,
                "headers": [
                    (b"Content-Type", b"application/json"),
                    (b"Cache-Control", b"no-store"),
                    (b"Content-Length", b"%d" % len(body)),
                ],
            }
        )
        self.handle_reply({"type": "http.response.body", "body": body})

    def _release(self) -> None:
        """Lets go of what an open socket never needs again and its transport would keep alive."""
        # Twisted takes the attribute away from a request that was answered meanwhile.
        channel = getattr(self, "channel", None)
        if self.transport is None and channel is not None:
            channel.left_to_socket()
            self.content.close()
