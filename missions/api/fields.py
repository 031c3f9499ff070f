"""The fields of request bodies: JSON's own types, taken as they are.

The framework's fields are kind to forms: they read `1` as text and `"yes"` as true. A program that
sends the wrong type has a mistake in it and is told so, and the schema stays exact. `Text` is in
`agents.api.serializers`. Used by `missions.api.serializers` alone.
"""

import re
import uuid
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from agents.roles import Clearance, Role
from missions.protocol import Kind, Status

CLEARANCE_NAMES = [level.wire for level in Clearance]
ROLE_NAMES = [role.value for role in Role]
KIND_NAMES = [kind.value for kind in Kind]
KINDS_BUT_POSITION = [kind.value for kind in Kind if kind is not Kind.POSITION]
STATUS_NAMES = [status.value for status in Status]


class Flag(serializers.BooleanField):
    """`true` or `false`."""

    def to_internal_value(self, data: Any) -> bool:
        if not isinstance(data, bool):
            self.fail("invalid", input=data)
        return data


class Whole(serializers.IntegerField):
    """A whole JSON number."""

    def to_internal_value(self, data: Any) -> int:
        if isinstance(data, bool) or not isinstance(data, int | float):
            self.fail("invalid")
        if data != data // 1:
            self.fail("invalid")
        return int(data)


class QueryNumber(serializers.IntegerField):
    """A whole number as a query string has it: digits and nothing else."""

    def to_internal_value(self, data: Any) -> int:
        if not re.fullmatch(r"[0-9]{1,9}", str(data)):
            self.fail("invalid")
        return int(data)


class Choice(serializers.ChoiceField):
    """One of a fixed set of strings."""

    def to_internal_value(self, data: Any) -> Any:
        if not isinstance(data, str):
            self.fail("invalid_choice", input=type(data).__name__)
        return super().to_internal_value(data)


class ClearanceName(Choice):
    """The wire name of a clearance; becomes a `Clearance`."""

    def __init__(self, **options: Any) -> None:
        super().__init__(choices=CLEARANCE_NAMES, **options)

    def to_internal_value(self, data: Any) -> Any:
        return Clearance.from_wire(super().to_internal_value(data))


class RoleName(Choice):
    """The wire name of a role; becomes a `Role`."""

    def __init__(self, **options: Any) -> None:
        super().__init__(choices=ROLE_NAMES, **options)

    def to_internal_value(self, data: Any) -> Any:
        return Role(super().to_internal_value(data))


class Id(serializers.UUIDField):
    """A UUID as HQ writes it: text, lower case, with hyphens."""

    def to_internal_value(self, data: Any) -> uuid.UUID:
        if not isinstance(data, str):
            self.fail("invalid", value=data)
        value: uuid.UUID = super().to_internal_value(data)
        if str(value) != data:
            self.fail("invalid", value=data)
        return value


@extend_schema_field(
    {
        "type": "object",
        "description": "At most 8 KiB encoded.",
        "patternProperties": {r"^[^\u0000]*$": {"$ref": "#/components/schemas/JSONValue"}},
        "additionalProperties": False,
    }
)
class JSONObject(serializers.Field[dict[str, Any], Any, Any, Any]):
    """A JSON object; what it may hold is the service's business."""

    default_error_messages = {"invalid": "Not a JSON object."}

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        if not isinstance(data, dict):
            self.fail("invalid")
        return data

    def to_representation(self, value: dict[str, Any]) -> dict[str, Any]:
        return value
