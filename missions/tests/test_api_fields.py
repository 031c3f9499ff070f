"""The fields of bodies take JSON's own types and nothing that only looks like them."""

import uuid
from typing import Any

import pytest
from rest_framework.exceptions import ValidationError

from agents.roles import Clearance, Role
from missions.api import fields

ID = uuid.UUID("3f0e7f6a-0000-4000-8000-00000000abcd")


@pytest.mark.parametrize(
    ("field", "given", "read"),
    [
        (fields.Flag(), True, True),
        (fields.Whole(), 60, 60),
        (fields.Whole(), 60.0, 60),
        (fields.QueryNumber(), "200", 200),
        (fields.ClearanceName(), "top-secret", Clearance.TOP_SECRET),
        (fields.RoleName(), "field-operative", Role.FIELD_OPERATIVE),
        (fields.Id(), str(ID), ID),
        (fields.JSONObject(), {"a": [1, None]}, {"a": [1, None]}),
    ],
)
def test_what_is_meant_is_read(field: Any, given: object, read: object) -> None:
    """As the type that services take."""
    assert field.run_validation(given) == read


WRONG: list[tuple[Any, list[Any]]] = [
    (fields.Flag(), [0, 1, "true", "", None, []]),
    (fields.Whole(), [True, "60", 60.5, float("inf"), None, []]),
    (fields.QueryNumber(), ["", "-1", "+1", " 1", "1.0", "٣", "1e2"]),
    (fields.ClearanceName(), [3, "SECRET", "", None, ["secret"], {}]),
    (fields.RoleName(), ["spy", 0, None, ["analyst"]]),
    (fields.Id(), [ID.hex, str(ID).upper(), f"{{{ID}}}", ID.int, None]),
    (fields.JSONObject(), [[], "x", 1, None]),
]


@pytest.mark.parametrize(
    ("field", "given"), [(field, given) for field, wrong in WRONG for given in wrong]
)
def test_what_only_looks_like_it_is_refused(field: Any, given: object) -> None:
    """A wrong type is a mistake in the program that sent it."""
    with pytest.raises(ValidationError):
        field.run_validation(given)
