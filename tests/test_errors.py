"""The tree of errors: the closed list of codes, each with its status."""

from collections.abc import Iterator

from agents.errors import HQError, RateLimited, Unauthorized
from missions import errors as mission_errors

CODES = {
    "invalid": 400,
    "not_found": 404,
    "forbidden": 403,
    "csrf_failed": 403,
    "origin_refused": 403,
    "mission_closed": 409,
    "conflict": 409,
    "reset": 409,
    "too_large": 413,
    "unsupported_media_type": 415,
    "rate_limited": 429,
    "unavailable": 503,
    "invalid_credentials": 401,
    "otp_required": 401,
    "token_missing": 401,
    "token_invalid": 401,
    "token_expired": 401,
    "auth_timeout": 401,
}


def leaves(error: type[HQError] = HQError) -> Iterator[type[HQError]]:
    """Every error that has a code."""
    for one in error.__subclasses__():
        if hasattr(one, "code"):
            yield one
        yield from leaves(one)


def test_the_codes_are_a_closed_list() -> None:
    """Exactly these, each with its one status."""
    assert mission_errors.MissionClosed.status == 409
    found = {(error.code, error.status) for error in leaves()}
    assert found == set(CODES.items())


def test_every_error_says_something() -> None:
    """A sentence of its own unless told another; the field is kept."""
    for error in leaves():
        assert error().message.endswith(".")
        assert str(error("Another.")) == "Another."
    assert next(leaves())(field="body").field == "body"


def test_refused_sockets_are_closed_with_a_reason() -> None:
    """4001, and words that fit into a close frame."""
    for error in Unauthorized.__subclasses__():
        assert int(error.close_code) == 4001
        assert error.close_reason.startswith("Unauthorized: ")
        assert len(error.close_reason.encode()) <= 123


def test_a_limit_says_when_to_come_back() -> None:
    """In seconds, for Retry-After."""
    assert RateLimited().retry_after == 1
    assert RateLimited(retry_after=30).retry_after == 30
