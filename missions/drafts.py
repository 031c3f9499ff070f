"""An update before it is stored: what its author says, checked for form. Pure.

Whether the author may say it is for `missions.services`.
"""

import re
from dataclasses import dataclass, field
from typing import Any

import msgspec

from agents.errors import Invalid
from agents.roles import Clearance, Role
from missions import limits
from missions.protocol import Kind

_POSITION_FIELDS = {"lat": 90.0, "lon": 180.0}
_NUL = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")  # an escaped backslash before u0000 is only text


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """The fields of a publish. `classification` None means the mission's."""

    kind: Kind
    body: str
    data: dict[str, Any] = field(default_factory=dict)
    classification: Clearance | None = None
    roles: frozenset[Role] = frozenset()
    requires_ack: bool = False
    ack_within: int | None = None
    client_id: str | None = None

    def check(self) -> None:
        """Raises `Invalid` with the field for anything that cannot be stored."""
        if not 1 <= len(self.body) <= limits.BODY_LENGTH:
            raise Invalid(f"The body has 1 to {limits.BODY_LENGTH:,} characters.", field="body")
        check_text(self.body, "body")
        self._check_data()
        if self.ack_within is not None:
            least, most = limits.ACK_WITHIN
            if not self.requires_ack:
                raise Invalid("ack_within needs requires_ack.", field="ack_within")
            if not least <= self.ack_within <= most:
                raise Invalid(f"ack_within is {least} to {most:,} seconds.", field="ack_within")
        if self.client_id is not None:
            if not 1 <= len(self.client_id) <= limits.CLIENT_ID_LENGTH:
                raise Invalid(
                    f"client_id has 1 to {limits.CLIENT_ID_LENGTH} characters.", field="client_id"
                )
            check_text(self.client_id, "client_id")

    def _check_data(self) -> None:
        _check_values(self.data)
        try:
            encoded = msgspec.json.encode(self.data)
        except (ValueError, RecursionError, UnicodeError):
            raise Invalid("data cannot be written as JSON.", field="data") from None
        if len(encoded) > limits.DATA_BYTES:
            raise Invalid(f"data has at most {limits.DATA_BYTES:,} bytes.", field="data")
        if _NUL.search(encoded):
            raise Invalid("NUL is not allowed.", field="data")
        if self.kind is Kind.POSITION:
            _check_position(self.data)


def check_text(text: str, name: str) -> None:
    """Refuses what no database keeps as text: NUL and lone surrogates."""
    if "\x00" in text:
        raise Invalid("NUL is not allowed.", field=name)
    try:
        text.encode()
    except UnicodeEncodeError:
        raise Invalid("A lone surrogate is not text.", field=name) from None


def _check_values(data: dict[str, Any]) -> None:
    """Refuses what a database does not give back as it was: too deep, or too many digits."""
    least, most = limits.DATA_NUMBERS
    level: list[Any] = [data]
    for _ in range(limits.DATA_DEPTH):
        values = [
            value for one in level for value in (one.values() if isinstance(one, dict) else one)
        ]
        if any(isinstance(one, float) and one and not least <= abs(one) < most for one in values):
            raise Invalid(
                f"A number in data is an integer, 0, or from {least:g} to below {most:g} in size.",
                field="data",
            )
        level = [one for one in values if isinstance(one, dict | list)]
        if not level:
            return
    raise Invalid(f"data is nested at most {limits.DATA_DEPTH} deep.", field="data")


def _check_position(data: dict[str, Any]) -> None:
    for name, most in _POSITION_FIELDS.items():
        value: Any = data.get(name)
        if not _is_number(value) or abs(value) > most:
            raise Invalid(f"A position needs {name} from -{most:g} to {most:g}.", field="data")
    if "accuracy" in data and (not _is_number(data["accuracy"]) or data["accuracy"] < 0):
        raise Invalid("accuracy is a number of metres.", field="data")
    if unknown := data.keys() - {*_POSITION_FIELDS, "accuracy"}:
        raise Invalid(f"A position has no {min(unknown)}.", field="data")


def _is_number(value: Any) -> bool:
    if not isinstance(value, int | float) or isinstance(value, bool):
        return False
    return abs(value) < float("inf")  # false for NaN, and compares integers of any size
