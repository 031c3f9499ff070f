"""The frames of missions: their shapes on the wire, and how a frame for many is built."""

import json
import uuid

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.protocol import Malformed, decode_frame
from missions.protocol import (
    Publish,
    Status,
    Subscribe,
    UpdateFrame,
    command_decoder,
    update_payload,
    update_prefix,
)


@given(st.uuids(version=4), st.uuids().map(lambda one: one.hex), st.integers(1, 2**53), st.text())
def test_the_prepared_frame_is_the_documented_frame(
    mission: uuid.UUID, epoch: str, seq: int, body: str
) -> None:
    """Built from its parts, an `update` says byte for byte what its type would."""
    shared = msgspec.json.encode({"id": "x", "body": body})
    built = update_payload(update_prefix(str(mission), epoch), seq, shared)
    frame = UpdateFrame(mission=str(mission), epoch=epoch, seq=seq, update=msgspec.Raw(shared))
    assert built == msgspec.json.encode(frame)


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"type": "subscribe"}, "mission"),
        ({"type": "subscribe", "mission": 1}, "mission"),
        ({"type": "subscribe", "mission": "m", "after": 1}, "after"),
        ({"type": "subscribe", "mission": "m", "epoch": None}, "epoch"),
        ({"type": "publish", "mission": "m", "kind": "rumour", "body": "b"}, "kind"),
        ({"type": "publish", "mission": "m", "kind": "report"}, "body"),
        ({"type": "publish", "mission": "m", "kind": "report", "body": ""}, "body"),
        ({"type": "publish", "mission": "m", "kind": "report", "body": "x" * 8001}, "body"),
        ({"type": "publish", "mission": "m", "kind": "report", "body": "b", "data": []}, "data"),
        (
            {"type": "publish", "mission": "m", "kind": "report", "body": "b", "roles": "x"},
            "roles",
        ),
        (
            {"type": "publish", "mission": "m", "kind": "report", "body": "b", "ack_within": 9},
            "ack_within",
        ),
        (
            {"type": "publish", "mission": "m", "kind": "report", "body": "b", "client_id": ""},
            "client_id",
        ),
        (
            {"type": "publish", "mission": "m", "kind": "report", "body": "b", "author": "me"},
            "author",
        ),
        ({"type": "acknowledge"}, "update"),
        ({"type": "welcome"}, "type"),
    ],
)
def test_a_command_out_of_shape_names_its_field(fields: dict[str, object], field: str) -> None:
    """Missing, of another type, beyond its limit, or unknown."""
    with pytest.raises(Malformed) as raised:
        decode_frame(command_decoder, json.dumps(fields))
    assert raised.value.field == field


def test_commands_keep_what_was_left_out_apart_from_null() -> None:
    """`after: null` asks for the start, no `after` for a snapshot."""
    asked = decode_frame(command_decoder, '{"type":"subscribe","mission":"m","after":null}')
    plain = decode_frame(command_decoder, '{"type":"subscribe","mission":"m"}')
    assert isinstance(asked, Subscribe)
    assert (asked.after, plain.after) == (None, msgspec.UNSET)


def test_the_body_is_counted_in_code_points() -> None:
    """8,000 letters of four bytes fit."""
    fields = {"type": "publish", "mission": "m", "kind": "report", "body": "\U0001f600" * 8000}
    frame = decode_frame(command_decoder, json.dumps(fields, ensure_ascii=False))
    assert isinstance(frame, Publish)


def test_only_planned_and_active_missions_are_open() -> None:
    """What is completed or aborted takes no updates."""
    assert [status for status in Status if status.open] == [Status.PLANNED, Status.ACTIVE]
