"""Request bodies: JSON as RFC 8259 has it, and nothing that readers could take two ways.

Refuses what Python's reader lets pass: names given twice, NaN and infinities, lone surrogates, NUL,
nesting without end. Used by every REST call of HQ.
"""

import json
import math
from collections.abc import Iterator, Mapping
from typing import IO, Any

from django.conf import settings
from rest_framework.parsers import BaseParser

from agents.errors import Invalid, TooLarge


class StrictJSONParser(BaseParser):
    """Reads UTF-8 JSON up to DATA_UPLOAD_MAX_MEMORY_SIZE bytes; `TooLarge`, `Invalid` else."""

    media_type = "application/json"

    @property
    def max_bytes(self) -> int:
        return int(settings.DATA_UPLOAD_MAX_MEMORY_SIZE)

    def parse(
        self,
        stream: IO[Any],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        """The value in the body."""
        raw = stream.read(self.max_bytes + 1)
        if len(raw) > self.max_bytes:
            raise TooLarge
        return strict_json(raw)


class CredentialsParser(StrictJSONParser):
    """For bodies that hold passwords and tokens: one that is far too long is a wrong one, not a
    large upload, and is answered as the field or the token that it is."""

    max_bytes = 2 * 1024 * 1024


def strict_json(raw: bytes) -> Any:
    """The JSON value in `raw`; `Invalid` unless every reader would understand the same."""
    try:
        text = raw.decode()
        value = json.loads(
            text,
            object_pairs_hook=_each_once,
            parse_constant=_not_a_number,
            parse_float=_finite,
        )
    except (ValueError, RecursionError):
        raise Invalid("The body is not valid JSON.") from None
    if "\\u" in text and any(not _plain(string) for string in _strings(value)):
        raise Invalid("Text must not contain NUL or halves of characters.")
    return value


def _each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise ValueError("a name twice")
    return value


def _not_a_number(constant: str) -> None:
    raise ValueError(constant)


def _finite(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        raise ValueError(digits)
    return number


def _strings(value: Any) -> Iterator[str]:
    waiting = [value]
    while waiting:
        one = waiting.pop()
        if isinstance(one, str):
            yield one
        elif isinstance(one, dict):
            waiting.extend(one.keys())
            waiting.extend(one.values())
        elif isinstance(one, list):
            waiting.extend(one)


def _plain(text: str) -> bool:
    return "\0" not in text and not any("\ud800" <= character <= "\udfff" for character in text)
