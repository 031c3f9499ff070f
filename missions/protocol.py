"""The frames and objects of missions: their shapes, and how a frame for many is built once.

Owns names and types of everything that goes over the wire about missions. Decides nothing.
Pure. Times are RFC 3339 in UTC with milliseconds; ids are lower-case UUID strings.
"""

import enum
from typing import Annotated, Any, TypedDict

import msgspec
from msgspec import UNSET, Meta, Raw, Struct, UnsetType

from agents.protocol import (
    AgentName,
    AgentObject,
    Authenticate,
    ClientFrame,
    FrameId,
    Ping,
    Refresh,
    ServerFrame,
)
from missions import limits


class Kind(enum.StrEnum):
    REPORT = "report"
    ORDER = "order"
    ALERT = "alert"
    STATUS = "status"
    POSITION = "position"
    MESSAGE = "message"


class Status(enum.StrEnum):
    PLANNED = "planned"
    ACTIVE = "active"
    COMPLETED = "completed"
    ABORTED = "aborted"

    @property
    def open(self) -> bool:
        """Whether the mission takes updates."""
        return self in (Status.PLANNED, Status.ACTIVE)


class MissionObject(Struct, frozen=True):
    """A mission as everybody who sees it sees it: no counts, no time that an update moves."""

    id: str
    codename: str
    objective: str
    status: str
    classification: str


class UpdateObject(Struct, frozen=True):
    """One entry of a mission's log. `author` is as written: stored with the update."""

    id: str
    kind: str
    body: str
    data: dict[str, Any]
    author: AgentName
    classification: str
    roles: tuple[str, ...]
    requires_ack: bool
    ack_within: int | None
    created_at: str


class Numbered(Struct, frozen=True):
    """An update with its number in the reader's stream; `seq` is null where the stream lacks it."""

    seq: int | None
    update: Raw


class Page(Struct, frozen=True, kw_only=True):
    """What a `subscribed` frame and `GET .../updates` hold; `seq` is the stream's newest."""

    mission: str
    epoch: str
    seq: int
    recovered: bool
    updates: list[Numbered]
    acknowledged: list[str]


# What clients send.

ClientId = Annotated[str, Meta(min_length=1, max_length=limits.CLIENT_ID_LENGTH)]


class Subscribe(ClientFrame, frozen=True, tag="subscribe"):
    mission: str
    after: str | None | UnsetType = UNSET
    epoch: str | UnsetType = UNSET


class Unsubscribe(ClientFrame, frozen=True, tag="unsubscribe"):
    mission: str


class Publish(ClientFrame, frozen=True, tag="publish"):
    mission: str
    kind: Kind
    body: Annotated[str, Meta(min_length=1, max_length=limits.BODY_LENGTH)]
    data: dict[str, Any] | UnsetType = UNSET
    classification: str | UnsetType = UNSET
    roles: list[str] | UnsetType = UNSET
    requires_ack: bool | UnsetType = UNSET
    ack_within: (
        Annotated[int, Meta(ge=limits.ACK_WITHIN[0], le=limits.ACK_WITHIN[1])] | None | UnsetType
    ) = UNSET
    client_id: ClientId | UnsetType = UNSET


class Acknowledge(ClientFrame, frozen=True, tag="acknowledge"):
    update: str


MissionCommand = Subscribe | Unsubscribe | Publish | Acknowledge
Command = MissionCommand | Authenticate | Refresh | Ping
command_decoder = msgspec.json.Decoder(Command)


# What HQ sends.


class Welcome(ServerFrame, frozen=True, tag="welcome"):
    connection: str
    agent: AgentObject
    expires_at: str
    missions: list[MissionObject]


class Subscribed(ServerFrame, frozen=True, tag="subscribed", kw_only=True):
    """A page; without `id` it is a reset that replaces all that is held of that mission."""

    id: FrameId | UnsetType = UNSET
    mission: str
    epoch: str
    seq: int
    recovered: bool
    updates: list[Numbered]
    acknowledged: list[str]


class Unsubscribed(ServerFrame, frozen=True, tag="unsubscribed", kw_only=True):
    """`reason` is `requested` or `access_revoked`; on the latter the client wipes the mission."""

    id: FrameId | UnsetType = UNSET
    mission: str
    reason: str


class Published(ServerFrame, frozen=True, tag="published", kw_only=True):
    id: FrameId | UnsetType = UNSET
    mission: str
    client_id: str | UnsetType = UNSET
    update: Raw


class Acknowledged(ServerFrame, frozen=True, tag="acknowledged", kw_only=True):
    id: FrameId | UnsetType = UNSET
    update: str


class MissionFrame(ServerFrame, frozen=True, tag="mission"):
    """A mission appears or changes for this agent."""

    mission: MissionObject


class AccessChanged(ServerFrame, frozen=True, tag="access_changed"):
    """The client drops everything and waits for the `subscribed` frames that follow."""

    role: str
    clearance: str


class PresenceFrame(ServerFrame, tag="presence", frozen=True, kw_only=True):
    """To handlers and directors: the members that follow the mission now; the full list."""

    mission: str
    agents: list[AgentName]


class ReceiptFrame(ServerFrame, tag="receipt", frozen=True, kw_only=True):
    """To author, handlers and directors: an agent acknowledged an update."""

    mission: str
    update: str
    agent: AgentName
    at: str


class OverdueFrame(ServerFrame, tag="overdue", frozen=True, kw_only=True):
    """To author, handlers and directors: who has not acknowledged an update in time."""

    mission: str
    update: str
    agents: list[AgentName]


class SentFrame(ServerFrame, tag="sent", frozen=True, kw_only=True):
    """To an author whose stream lacks it: an own update was retracted, or has another audience."""

    mission: str
    update: str
    state: str


class Revised(TypedDict):
    """What a revision did to one update, as workers tell each other for the sake of its author.

    `classification` is the one before.
    """

    update: str
    author: str
    classification: int
    state: str


class UpdateFrame(ServerFrame, frozen=True, tag="update"):
    """One live update. For the documents: `update_payload` builds it from its parts."""

    mission: str
    epoch: str
    seq: int
    update: Raw


def update_prefix(mission: str, epoch: str) -> bytes:
    """The part of a stream's `update` frames that only an epoch changes."""
    return b'{"type":"update","mission":"%b","epoch":"%b","seq":' % (
        mission.encode(),
        epoch.encode(),
    )


def update_payload(prefix: bytes, seq: int, body: bytes) -> bytes:
    """An `update` frame: the number in front of the body that all streams share."""
    return b'%b%d,"update":%b}' % (prefix, seq, body)
