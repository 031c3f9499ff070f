"""The frames of authentication, and the close codes: what any authenticated socket speaks.

Owns the shape of frames and how text becomes a frame. Decides nothing. `missions.protocol` adds the
frames of missions; `docs/protocol.md` is checked against both. Pure.
"""

import datetime as dt
import enum
import re
from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

FrameId = Annotated[str, Meta(max_length=64)] | Annotated[int, Meta(gt=-(2**53), lt=2**53)]
"""What a client may put into `id`: echoed in the answer."""

SUBPROTOCOL = "hq.v1"
MAX_FRAME_BYTES = 128 * 1024


class CloseCode(enum.IntEnum):
    """Why a socket was closed (RFC 6455, section 7.4; 4000 and up are HQ's)."""

    NORMAL = 1000
    GOING_AWAY = 1001
    UNSUPPORTED_DATA = 1003
    ABNORMAL = 1006
    INVALID_PAYLOAD = 1007
    TOO_BIG = 1009
    INTERNAL_ERROR = 1011
    SERVICE_RESTART = 1012
    TRY_AGAIN_LATER = 1013
    MALFORMED = 4000
    UNAUTHORIZED = 4001
    SESSION_ENDED = 4003
    SLOW_CONSUMER = 4008
    TOO_MANY_CONNECTIONS = 4009
    RATE_LIMITED = 4029


class ClientFrame(Struct, tag_field="type", forbid_unknown_fields=True, frozen=True, kw_only=True):
    """What every client frame may carry: an `id` to be repeated, a `token` to be checked."""

    id: FrameId | UnsetType = UNSET
    token: str | UnsetType = UNSET


class Authenticate(ClientFrame, frozen=True, tag="authenticate"):
    """The first message of a socket that opened without a credential; `token` is required."""


class Refresh(ClientFrame, frozen=True, tag="refresh"):
    """A new access token, or a ticket made with one, for the same agent and session."""

    ticket: str | UnsetType = UNSET


class Ping(ClientFrame, frozen=True, tag="ping"):
    """Answered by `pong`; for programs that cannot send WebSocket pings."""


class ServerFrame(Struct, tag_field="type", frozen=True, kw_only=True):
    """Base of everything that HQ sends."""


class Pong(ServerFrame, frozen=True, tag="pong"):
    id: FrameId | UnsetType = UNSET


class Refreshed(ServerFrame, frozen=True, tag="refreshed", kw_only=True):
    """`expires_at`: when the socket will be closed unless refreshed again; RFC 3339."""

    id: FrameId | UnsetType = UNSET
    expires_at: str


class TokenExpiring(ServerFrame, frozen=True, tag="token_expiring"):
    """Sent 60 s before the expiry; `expires_in` in whole seconds."""

    expires_in: int


class AuthFailed(ServerFrame, frozen=True, tag="auth_failed"):
    code: str
    message: str


class ErrorFrame(ServerFrame, frozen=True, tag="error", kw_only=True):
    id: FrameId | UnsetType = UNSET
    code: str
    message: str
    field: str | UnsetType = UNSET


class AgentObject(Struct, frozen=True):
    """An agent as shown to itself only."""

    id: str
    username: str
    codename: str
    role: str
    clearance: str


class AgentName(Struct, frozen=True):
    """An agent as shown to others: never the clearance."""

    codename: str
    role: str


class Malformed(Exception):
    """A frame that is no frame. `field` is where, `id` the frame's own if it could be read."""

    def __init__(self, message: str, field: str | None, frame_id: FrameId | UnsetType) -> None:
        super().__init__(message)
        self.message = message
        self.field = field
        self.id = frame_id


class _Envelope(Struct):
    id: FrameId | UnsetType = UNSET


_envelope = msgspec.json.Decoder(_Envelope)
_AT_PATH = re.compile(r" - at `\$\.([A-Za-z_]+)")
_NAMED_FIELD = re.compile(r"field `([^`]{1,64})`")
_SENTENCES = (
    (r"Object contains unknown field `.*", "HQ knows no such field."),
    (r"Object missing required field `.*", "This field is missing."),
    (r"Expected `(?:str|array|object)` of length >= (\d+)", r"The length must be at least \1."),
    (r"Expected `(?:str|array|object)` of length <= (\d+)", r"The length must be at most \1."),
    (r"Expected `[^`]+` >= (-?[\d.]+)", r"The number must be at least \1."),
    (r"Expected `[^`]+` <= (-?[\d.]+)", r"The number must be at most \1."),
    (r"Expected `[^`]+` [<>] -?[\d.]+", "The number is out of range."),
    (r"Invalid (?:enum )?value '(.{0,64})'", r"HQ knows no “\1”."),
)
"""What msgspec says of a value, and how HQ says it."""

_EXPECTED = re.compile(r"Expected `([^`]+)`(?:, got `[^`]+`)?")
_JSON_NAMES = {
    "str": "a string",
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "array": "an array",
    "object": "an object",
}


def decode_frame(decoder: "msgspec.json.Decoder[Any]", text: str) -> Any:
    """The typed frame in `text`; `Malformed` names the field and repeats the id where it can."""
    try:
        return decoder.decode(text)
    except msgspec.ValidationError as error:
        said = str(error)
        found = _NAMED_FIELD.search(said) or _AT_PATH.search(said)
        field = found.group(1) if found else ("type" if "tag" in said or "$.type" in said else None)
        raise Malformed(_sentence(said.partition(" - at ")[0]), field, _id_of(text)) from None
    except (msgspec.DecodeError, RecursionError, UnicodeError):
        raise Malformed("The frame is not a JSON object.", None, UNSET) from None


def _sentence(said: str) -> str:
    for form, sentence in _SENTENCES:
        if found := re.fullmatch(form, said):
            return found.expand(sentence)
    if found := _EXPECTED.fullmatch(said):
        wanted = (_JSON_NAMES.get(name, name) for name in found[1].split(" | "))
        return f"The value must be {' or '.join(wanted)}."
    return said


def _id_of(text: str) -> FrameId | UnsetType:
    try:
        return _envelope.decode(text).id
    except (msgspec.DecodeError, RecursionError, UnicodeError):
        return UNSET


_encoder = msgspec.json.Encoder()


def encode_frame(frame: ServerFrame) -> bytes:
    """The UTF-8 JSON of a server frame."""
    return _encoder.encode(frame)


def wire_time(moment: dt.datetime) -> str:
    """RFC 3339 in UTC with milliseconds."""
    utc = moment.astimezone(dt.UTC)
    return f"{utc:%Y-%m-%dT%H:%M:%S}.{utc.microsecond // 1000:03d}Z"
