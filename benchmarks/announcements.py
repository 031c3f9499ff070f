"""The updates of a run as each server's publisher would put them on Redis.

HQ's come from the product's own builders (`publishing.update_event`, `history.update_bytes`, the
layer's serializer), so that the format cannot drift; the peers' carry the same update object and
the same numbers. Announced ahead of the database: HQ's worker takes what it is told at once and
compares with the database only for what it has not heard of. The heads are written after each
trial (`cast.keep_heads`).
"""

import datetime as dt
import itertools
import random
import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import msgspec
from channels.layers import get_channel_layer

from agents.roles import Clearance, Role
from benchmarks.cast import MISSIONS, Cast
from missions import audiences, history, publishing
from missions.audiences import STREAMS, Audience
from missions.models import Update
from missions.protocol import Kind

EPOCH = "0123456789abcdef0123456789abcdef"
"""The peers' epoch; HQ has its own, one a stream."""

DUE = b"0000000000000000000"
"""Where the time goes when an announcement is sent: 19 digits of nanoseconds."""

_ROLE_SETS: tuple[frozenset[Role], ...] = (
    frozenset(),
    frozenset(),
    frozenset({Role.HANDLER}),
    frozenset({Role.ANALYST, Role.FIELD_OPERATIVE}),
    frozenset({Role.HANDLER, Role.ANALYST}),
)

AUDIENCES = [Audience(clearance, roles) for clearance in Clearance for roles in _ROLE_SETS]
"""Twenty real audiences; together they reach half of the viewer classes: 8 of 16 on average."""


@dataclass(slots=True)
class Announcement:
    """One Redis command. `due_at`: the offset of the time in it."""

    command: bytearray
    due_at: int


@dataclass(frozen=True, slots=True)
class Batch:
    """Updates of one trial in order, and how many frames should arrive in all."""

    announcements: list[Announcement]
    updates: int
    deliveries: int


@dataclass(frozen=True, slots=True)
class Numbered:
    """One update with its place: what every server's format is made of."""

    mission_id: str
    position: int
    numbers: dict[str, int]
    epochs: dict[str, str]
    body: bytes


Format = Callable[[Numbered], tuple[str, bytes]]
"""From an update to the Redis channel and the message on it."""


class Log:
    """The heads of the four missions as one server has heard them, and the next updates."""

    def __init__(self, cast: Cast, message: Format) -> None:
        self.positions = [0] * MISSIONS
        self.numbers = [[0 for _ in STREAMS] for _ in range(MISSIONS)]
        self._cast = cast
        self._message = message
        self._sockets = [
            [
                sum(1 for seat in cast.seats if (seat.mission, seat.stream) == (mission, stream))
                for stream in STREAMS
            ]
            for mission in range(MISSIONS)
        ]
        self._turns = itertools.cycle(range(MISSIONS))
        self._choices = random.Random(7)
        self._update = Update(
            author_codename=cast.author.codename,
            author_role=cast.author.role,
            kind=Kind.REPORT.value,
            body="Two vehicles left the north gate heading for the river road, no escort seen.",
            created_at=dt.datetime.now(dt.UTC),
        )

    def next_batch(self, step: int, size: int) -> Batch:
        """The next updates, all marked with the step; the heads move on."""
        announcements, deliveries = [], 0
        for _ in range(size):
            mission, audience = next(self._turns), self._choices.choice(AUDIENCES)
            streams = audiences.streams_of(audience)
            deliveries += sum(self._sockets[mission][stream] for stream in streams)
            channel, message = self._message(self._number(mission, audience, streams, step))
            command = bytearray(_publish(channel, message))
            announcements.append(Announcement(command, command.index(DUE)))
        return Batch(announcements, size, deliveries)

    def _number(
        self, mission: int, audience: Audience, streams: Iterable[int], step: int
    ) -> Numbered:
        self.positions[mission] += 1
        newest = self.numbers[mission]
        for stream in streams:
            newest[stream] += 1
        update = self._update
        update.pk = uuid.uuid4()
        update.classification = audience.classification.value
        update.roles = audiences.roles_mask(audience.roles)
        update.data = {"mark": mark(DUE.decode(), step, streams)}
        epochs = self._cast.missions[mission].epochs
        return Numbered(
            mission_id=str(self._cast.missions[mission].pk),
            position=self.positions[mission],
            numbers={str(stream): newest[stream] for stream in streams},
            epochs={str(stream): epochs[stream] for stream in streams},
            body=history.update_bytes(update),
        )


def mark(due: str, step: int, streams: Iterable[int]) -> str:
    """What the load client reads in each update: when it was due, its step, who may see it."""
    return f"{due}-{step:03d}-{sum(1 << stream for stream in streams):04x}"


def for_hq(update: Numbered) -> tuple[str, bytes]:
    """The layer event that `missions.services` announces."""
    layer: Any = get_channel_layer()
    event = publishing.update_event(
        update.mission_id, update.position, update.numbers, update.epochs, update.body
    )
    # The prefix is the layer's default; were it to change, every update would count as lost.
    return f"asgi__group__{publishing.group_of(update.mission_id)}", layer.serialize(event)


def for_socketio(update: Numbered) -> tuple[str, bytes]:
    """One broadcast to the rooms of all streams that may see it, as the adapter publishes it.

    One packet for all rooms is the cheapest way for Socket.IO: it is encoded once.
    """
    frame = {
        "type": "update",
        "mission": update.mission_id,
        "epoch": EPOCH,
        "seq": update.numbers,
        "update": msgspec.json.decode(update.body),
    }
    packet = {"type": 2, "data": ["update", frame], "nsp": "/"}
    rooms = [f"{update.mission_id}:{stream}" for stream in update.numbers]
    message: bytes = msgspec.msgpack.encode(
        ["bench", packet, {"rooms": rooms, "except": [], "flags": {}}]
    )
    return "socket.io#/#", message


def for_ws(update: Numbered) -> tuple[str, bytes]:
    """A line with the numbers, then the update as it goes out."""
    head = msgspec.json.encode({"mission": update.mission_id, "seq": update.numbers})
    return f"updates:{update.mission_id}", head + b"\n" + update.body


def _publish(channel: str, message: bytes) -> bytes:
    name = channel.encode()
    return b"*3\r\n$7\r\nPUBLISH\r\n$%d\r\n%b\r\n$%d\r\n%b\r\n" % (
        len(name),
        name,
        len(message),
        message,
    )
