"""HTTP answers that the server itself gives: JSON in the shape of the contract, never a page.

Used where no application answers: a head too large, a foreign Origin, a handshake that is none,
and to write the response with which an application denies a handshake.
"""

from collections.abc import Iterable
from email.utils import formatdate
from http import HTTPStatus

import msgspec

Headers = Iterable[tuple[bytes, bytes]]

_CODES = {403: "forbidden", 413: "too_large", 431: "too_large"}
_OWN_HEADERS = (b"connection", b"content-length", b"date", b"transfer-encoding")


def code_of(status: int) -> str:
    """The contract's code for a status that the server chose."""
    return _CODES.get(status, "unavailable" if status >= 500 else "invalid")


def json_body(code: str, message: str) -> bytes:
    """The body of every error over HTTP."""
    return msgspec.json.encode({"code": code, "message": message})


def refusal(status: int, message: str, headers: Headers = ()) -> bytes:
    """A whole response that says no and ends the connection."""
    return response(
        status,
        [
            (b"Content-Type", b"application/json"),
            (b"Cache-Control", b"no-store"),
            *headers,
        ],
        json_body(code_of(status), message),
    )


def response(status: int, headers: Headers, body: bytes) -> bytes:
    """A whole HTTP/1.1 response that ends its connection (RFC 9112).

    Raises `ValueError` for a header that would break out of its line.
    """
    lines = [b"HTTP/1.1 %d %s" % (status, _phrase(status))]
    for name, value in headers:
        if any(byte in name + value for byte in b"\r\n\0") or b":" in name:
            raise ValueError("A header holds a line break.")
        if name.lower() not in _OWN_HEADERS:
            lines.append(b"%s: %s" % (name, value))
    lines.append(b"Date: %s" % formatdate(usegmt=True).encode())
    lines.append(b"Content-Length: %d" % len(body))
    lines.append(b"Connection: close")
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


def _phrase(status: int) -> bytes:
    try:
        return HTTPStatus(status).phrase.encode()
    except ValueError:
        return b"Refused"
