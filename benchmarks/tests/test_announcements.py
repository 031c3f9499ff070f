"""What is put on Redis is what each server's own publisher would put there."""

from typing import Any

import msgspec
import pytest
from channels.layers import get_channel_layer
from django.test import override_settings

from agents.models import Agent
from benchmarks.announcements import AUDIENCES, DUE, Log, for_hq, for_socketio, for_ws
from benchmarks.cast import MISSIONS, Cast, Seat
from missions import audiences, publishing
from missions.feeds import Event
from missions.models import Mission


@pytest.fixture
def cast() -> Cast:
    """Four missions, two sockets in each of their streams."""
    missions = [Mission(codename=str(number), classification=1) for number in range(MISSIONS)]
    seats = [
        Seat("token", mission, stream)
        for mission in range(MISSIONS)
        for stream in audiences.STREAMS
        for _ in range(2)
    ]
    return Cast(missions, Agent(username="author", codename="Author", role="director"), seats)


def test_the_audiences_reach_half_of_the_viewers() -> None:
    """8 of 16 viewer classes on average: what the figures in the documents stand for."""
    reached = [len(audiences.streams_of(audience)) for audience in AUDIENCES]
    assert sum(reached) / len(reached) == 8


@override_settings(
    CHANNEL_LAYERS={
        "default": {
            "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
            "CONFIG": {"hosts": ["redis://127.0.0.1:1"]},
        }
    }
)
def test_hq_gets_the_event_of_its_own_publishing(cast: Cast) -> None:
    """Read back by the layer and the switchboard's own reader, positions and numbers are dense."""
    layer: Any = get_channel_layer()
    log = Log(cast, for_hq)
    batch = log.next_batch(1, 40)
    newest: dict[tuple[str, str], int] = {}
    for number, announcement in enumerate(batch.announcements):
        mission = cast.missions[number % MISSIONS]
        command = bytes(announcement.command)
        assert command[announcement.due_at :].startswith(DUE)
        channel, message = command.split(b"\r\n", 6)[4], command.split(b"\r\n", 6)[6]
        assert channel.decode() == f"asgi__group__{publishing.group_of(mission.pk)}"
        received = layer.deserialize(message.removesuffix(b"\r\n"))
        assert received["type"] == publishing.UPDATE_EVENT
        event = Event.from_layer(received)
        assert event.position == number // MISSIONS + 1
        for stream, seq in event.numbers.items():
            assert seq == newest.get((received["mission"], stream), 0) + 1
            assert event.epochs[stream] == mission.epochs[int(stream)]
            newest[received["mission"], stream] = seq
    assert batch.deliveries == 2 * sum(newest.values())


def test_all_servers_get_the_same_updates(cast: Cast) -> None:
    """Same audiences, numbers and bodies in the same order, but for the ids."""
    for_rooms = Log(cast, for_socketio).next_batch(1, 8)
    for_lines = Log(cast, for_ws).next_batch(1, 8)
    assert for_rooms.deliveries == for_lines.deliveries
    for room, line in zip(for_rooms.announcements, for_lines.announcements, strict=True):
        packed = bytes(room.command).split(b"\r\n", 6)[6].removesuffix(b"\r\n")
        _, packet, options = msgspec.msgpack.decode(packed)
        frame = packet["data"][1]
        assert options["rooms"] == [f"{frame['mission']}:{stream}" for stream in frame["seq"]]
        assert frame["update"]["data"]["mark"].encode() in bytes(line.command)
