"""From exceptions to answers: the one map of REST."""

from typing import Any

import pytest
from django.core.exceptions import PermissionDenied, RequestDataTooBig
from django.db import InterfaceError, OperationalError
from django.http import Http404
from rest_framework import exceptions, serializers

from agents.api.errors import exception_handler
from agents.api.serializers import StrictSerializer, Text
from agents.errors import (
    HQError,
    Invalid,
    InvalidCredentials,
    RateLimited,
    TokenExpired,
    TokenMissing,
)


def answer(exception: Exception) -> Any:
    """What a client gets."""
    return exception_handler(exception, {})


@pytest.mark.parametrize(
    ("exception", "status", "code"),
    [
        (Http404("secret-mission"), 404, "not_found"),
        (PermissionDenied("why"), 403, "forbidden"),
        (RequestDataTooBig(), 413, "too_large"),
        (OperationalError("password=..."), 503, "unavailable"),
        (InterfaceError("connection closed"), 503, "unavailable"),
        (exceptions.NotFound(), 404, "not_found"),
        (exceptions.PermissionDenied(), 403, "forbidden"),
        (exceptions.NotAuthenticated(), 401, "token_missing"),
        (exceptions.AuthenticationFailed(), 401, "token_invalid"),
        (exceptions.UnsupportedMediaType("text/plain"), 415, "unsupported_media_type"),
        (exceptions.ParseError("JSON parse error"), 400, "invalid"),
        (exceptions.NotAcceptable(), 400, "invalid"),
        (exceptions.MethodNotAllowed("PUT"), 405, "invalid"),
        (exceptions.Throttled(wait=2.6), 429, "rate_limited"),
    ],
)
def test_what_the_framework_raises_becomes_a_code_of_the_contract(
    exception: Exception, status: int, code: str
) -> None:
    """And nothing of what it said about the inside."""
    response = answer(exception)
    assert (response.status_code, response.data["code"]) == (status, code)
    assert set(response.data) == {"code", "message"}
    for inside in ("secret-mission", "password=", "why"):
        assert inside not in response.data["message"]


def test_hqs_own_errors_keep_code_message_and_field() -> None:
    """A field's name is cut: it may be the client's own."""
    response = answer(Invalid("Too long.", field="x" * 500))
    assert response.data == {"code": "invalid", "message": "Too long.", "field": "x" * 64}


def test_a_mistake_of_ours_is_no_answer() -> None:
    """It is raised on, logged where it happened, and answered 500."""
    assert answer(KeyError("x")) is None


@pytest.mark.parametrize(
    ("error", "header", "value"),
    [
        (TokenMissing(), "WWW-Authenticate", "Bearer"),
        (TokenExpired(), "WWW-Authenticate", 'Bearer error="invalid_token"'),
        (InvalidCredentials(), "WWW-Authenticate", 'Bearer error="invalid_token"'),
        (RateLimited(retry_after=7), "Retry-After", "7"),
    ],
)
def test_refusals_say_how_and_when_to_come_back(error: HQError, header: str, value: str) -> None:
    """RFC 6750, section 3; RFC 9110, section 10.2.3."""
    assert answer(error)[header] == value


class Inner(StrictSerializer):
    """Something in something."""

    lat = serializers.FloatField()


class Outer(StrictSerializer):
    """A body."""

    name = Text(max_length=3)
    place = Inner(required=False)
    ids = serializers.ListField(child=serializers.UUIDField(), required=False)
    id = serializers.UUIDField(read_only=True)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "name"),
        ({"name": "abcd"}, "name"),
        ({"name": "ab", "place": {}}, "place.lat"),
        ({"name": "ab", "place": {"lat": 1, "up": 1}}, "place.up"),
        ({"name": "ab", "ids": ["x"]}, "ids"),
        ({"name": "ab", "id": "7"}, "id"),
        ({"name": "ab", "is_staff": True}, "is_staff"),
        ([], None),
    ],
)
def test_the_first_wrong_field_is_named(body: Any, field: str | None) -> None:
    """Unknown ones, and those that only the server writes, are wrong ones."""
    reader = Outer(data=body)
    with pytest.raises(exceptions.ValidationError) as problem:
        reader.is_valid(raise_exception=True)
    response = answer(problem.value)
    assert (response.status_code, response.data.get("field")) == (400, field)
