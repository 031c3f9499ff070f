"""Frames of authentication: what is one, and what anything else is called."""

import datetime as dt
import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.protocol import (
    Authenticate,
    ErrorFrame,
    Malformed,
    Ping,
    Refresh,
    decode_frame,
    encode_frame,
    wire_time,
)

decoder = msgspec.json.Decoder(Authenticate | Refresh | Ping)

texts = st.text(st.characters())
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)
almost = st.fixed_dictionaries(
    {},
    optional={
        "type": st.sampled_from(["ping", "refresh", "authenticate", "other"]) | json_values,
        "id": json_values,
        "token": json_values,
        "ticket": json_values,
        "more": json_values,
    },
)


@given(texts | almost.map(json.dumps) | json_values.map(json.dumps))
def test_any_text_is_a_frame_or_malformed(text: str) -> None:
    """No text raises anything else: not a lone surrogate, not NaN, not a number of any size."""
    try:
        frame = decode_frame(decoder, text)
    except Malformed as malformed:
        frame = ErrorFrame(id=malformed.id, code="invalid", message=malformed.message)
    assert isinstance(frame, Authenticate | Refresh | Ping | ErrorFrame)
    assert encode_frame(frame) if isinstance(frame, ErrorFrame) else True


@pytest.mark.parametrize("text", ["[" * 100_000, '{"type":' * 100_000, "\ud800", "", "null"])
def test_deep_and_broken_texts_are_malformed(text: str) -> None:
    """Without an exception of the interpreter's own."""
    with pytest.raises(Malformed):
        decode_frame(decoder, text)


@pytest.mark.parametrize(
    ("text", "field", "frame_id"),
    [
        ('{"type":"ping","id":"mine","colour":1}', "colour", "mine"),
        ('{"type":"pong","id":3}', "type", 3),
        ('{"id":3}', "type", 3),
        ('{"type":7,"id":3}', "type", 3),
        ('{"type":"refresh","token":7,"id":3}', "token", 3),
        ('{"type":"ping","id":[]}', "id", msgspec.UNSET),
        (f'{{"type":"ping","id":{2**53}}}', "id", msgspec.UNSET),
        (f'{{"type":"ping","id":"{"x" * 65}"}}', "id", msgspec.UNSET),
        ("[]", None, msgspec.UNSET),
        ("not json", None, msgspec.UNSET),
    ],
)
def test_what_is_malformed_names_its_field_and_repeats_its_id(
    text: str, field: str | None, frame_id: object
) -> None:
    """So that a program finds its mistake, and which frame had it."""
    with pytest.raises(Malformed) as raised:
        decode_frame(decoder, text)
    assert (raised.value.field, raised.value.id) == (field, frame_id)


@pytest.mark.parametrize("frame_id", [0, 2**53 - 1, "", "x" * 64])
def test_an_id_may_be_a_string_or_an_integer(frame_id: str | int) -> None:
    """Up to 64 characters, below 2^53."""
    assert decode_frame(decoder, json.dumps({"type": "ping", "id": frame_id})).id == frame_id


def test_times_are_utc_with_milliseconds() -> None:
    """RFC 3339, whatever zone the moment was given in."""
    zone = dt.timezone(dt.timedelta(hours=2))
    moment = dt.datetime(2024, 2, 29, 1, 2, 3, 999_999, tzinfo=zone)
    assert wire_time(moment) == "2024-02-28T23:02:03.999Z"


@pytest.mark.parametrize(
    ("text", "message", "field"),
    [
        ('{"type":"ping","colour":1}', "HQ knows no such field.", "colour"),
        ('{"id":1}', "This field is missing.", "type"),
        ('{"type":"nothing"}', "HQ knows no “nothing”.", "type"),
        ('{"type":5}', "The value must be a string.", "type"),
        ("[]", "The value must be an object.", None),
        ('{"type":"ping","id":1.5}', "The value must be a whole number or a string.", "id"),
        ('{"type":"ping","id":"%s"}' % ("x" * 65), "The length must be at most 64.", "id"),
        ('{"type":"ping","id":-9999999999999999}', "The number must be at least -9007", "id"),
    ],
)
def test_what_is_wrong_is_said_in_a_sentence(text: str, message: str, field: str | None) -> None:
    """And the field beside it; nothing of the library's own way of speaking."""
    with pytest.raises(Malformed) as malformed:
        decode_frame(decoder, text)
    assert malformed.value.message.startswith(message)
    assert malformed.value.field == field
