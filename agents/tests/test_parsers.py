"""Request bodies: what is JSON for HQ, and what is not."""

import io

import pytest
from django.test import override_settings

from agents.api.parsers import CredentialsParser, StrictJSONParser, strict_json
from agents.errors import Invalid, TooLarge


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        (b'{"a": [1, 2.5, null, true, "x"]}', {"a": [1, 2.5, None, True, "x"]}),
        ('{"a": "\N{GRINNING FACE} ü"}'.encode(), {"a": "\N{GRINNING FACE} ü"}),
        (b'{"a": "\\ud83d\\ude00 \\u202e"}', {"a": "\N{GRINNING FACE} \u202e"}),
        (b'{"a": "\\\\u0000"}', {"a": "\\u0000"}),
        (b"[]", []),
    ],
)
def test_json_is_read(raw: bytes, value: object) -> None:
    """Text as written, pairs of surrogates as the character they stand for."""
    assert strict_json(raw) == value


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"{",
        b"{'a': 1}",
        b'{"a": NaN}',
        b'{"a": Infinity}',
        b'{"a": 1e999}',
        b'{"a": 1, "a": 2}',
        b'{"a": {"b": 1, "b": 1}}',
        b'{"a": "\\ud800"}',
        b'{"\\udfff": 1}',
        b'{"a": ["\\u0000"]}',
        b'{"a": "\0"}',
        b'{"a": "\xff"}',
        b"\xef\xbb\xbf{}",
        b"\xff\xfe{\0}\0",
        b"[" * 100_000,
        b'{"a": ' * 100_000,
        b'{"a": ' + b"9" * 5_000 + b"}",
        b"{} {}",
    ],
)
def test_what_readers_could_take_two_ways_is_refused(raw: bytes) -> None:
    """As `invalid`, never as a mistake of the server's."""
    with pytest.raises(Invalid):
        strict_json(raw)


@override_settings(DATA_UPLOAD_MAX_MEMORY_SIZE=10)
def test_a_body_over_the_limit_is_not_read_to_its_end() -> None:
    """Ten bytes here; credentials may be longer."""
    assert StrictJSONParser().parse(io.BytesIO(b'"12345678"')) == "12345678"
    stream = io.BytesIO(b'"' + b"x" * 1000 + b'"')
    with pytest.raises(TooLarge):
        StrictJSONParser().parse(stream)
    assert stream.tell() == 11
    stream.seek(0)
    assert CredentialsParser().parse(stream) == "x" * 1000
