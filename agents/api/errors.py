"""From an exception to an answer, for every REST call of HQ: the only place where that happens.

Called by the framework (`EXCEPTION_HANDLER`). What is not an answer that HQ knows (a mistake of
ours) stays an exception and is logged where it happened.
"""

import logging
from collections.abc import Mapping
from typing import Any

from django.core.exceptions import PermissionDenied, RequestDataTooBig
from django.db import InterfaceError, OperationalError
from django.http import Http404
from rest_framework import exceptions
from rest_framework.response import Response

from agents.api import trail
from agents.errors import (
    Forbidden,
    HQError,
    Invalid,
    NotFound,
    RateLimited,
    TokenInvalid,
    TokenMissing,
    TooLarge,
    Unauthorized,
    Unavailable,
    UnsupportedMediaType,
)

logger = logging.getLogger(__name__)

FIELD_NAME_LENGTH = 64

_TRANSLATED: tuple[tuple[type[Exception], type[HQError]], ...] = (
    (Http404, NotFound),
    (PermissionDenied, Forbidden),
    (RequestDataTooBig, TooLarge),
    (exceptions.NotFound, NotFound),
    (exceptions.PermissionDenied, Forbidden),
    (exceptions.NotAuthenticated, TokenMissing),
    (exceptions.AuthenticationFailed, TokenInvalid),
    (exceptions.UnsupportedMediaType, UnsupportedMediaType),
)


def exception_handler(exception: Exception, context: Mapping[str, Any]) -> Response | None:
    """The answer to an exception in a view; None for one that is no answer."""
    error = as_hq_error(exception)
    if error is None:
        return None
    trail.told(error, context)
    response = Response(error_body(error), status=error.status)
    for name, value in error_headers(error).items():
        response[name] = value
    if isinstance(exception, exceptions.MethodNotAllowed):
        # The framework adds `Allow`. The code is that of any call that cannot be understood.
        response.status_code = exception.status_code
    return response


def as_hq_error(exception: Exception) -> HQError | None:
    """The error that an exception means to a client; None for a mistake of ours."""
    if isinstance(exception, HQError):
        return exception
    if isinstance(exception, OperationalError | InterfaceError):
        logger.warning("the database did not answer (%s)", type(exception.__cause__).__name__)
        return Unavailable()
    if isinstance(exception, exceptions.ValidationError):
        field, message = _first(exception.detail)
        return Invalid(message, field=field)
    if isinstance(exception, exceptions.Throttled):
        return RateLimited(retry_after=max(1, round(getattr(exception, "wait", None) or 1)))
    for theirs, ours in _TRANSLATED:
        if isinstance(exception, theirs):
            return ours()
    if isinstance(exception, exceptions.APIException):
        return Invalid(str(exception.detail))
    return None


def error_body(error: HQError) -> dict[str, str]:
    """`{"code", "message", "field"?}`."""
    body = {"code": error.code, "message": error.message}
    if error.field is not None:
        body["field"] = error.field[:FIELD_NAME_LENGTH]
    return body


def error_headers(error: HQError) -> dict[str, str]:
    """What goes with a refusal: how to authenticate (RFC 6750, section 3), when to come back."""
    if isinstance(error, RateLimited):
        return {"Retry-After": str(error.retry_after)}
    if isinstance(error, TokenMissing):
        return {"WWW-Authenticate": "Bearer"}
    if isinstance(error, Unauthorized) and error.status == 401:
        return {"WWW-Authenticate": 'Bearer error="invalid_token"'}
    return {}


def _first(detail: Any, path: tuple[str, ...] = ()) -> tuple[str | None, str]:
    """The first sentence in the framework's tree of errors, and the field that it is about."""
    if isinstance(detail, Mapping):
        key, below = next(iter(detail.items()))
        named = isinstance(key, str) and key != "non_field_errors"
        return _first(below, (*path, key) if named else path)
    if isinstance(detail, list):
        return _first(next(one for one in detail if one), path)
    return ".".join(path) or None, str(detail)
