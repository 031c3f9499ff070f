"""Every error that a client can see, each with its code, HTTP status and close code.

    HQError
    +-- Invalid               400  invalid
    +-- NotFound              404  not_found
    +-- Forbidden             403  forbidden
    |   +-- CsrfFailed             csrf_failed
    |   +-- OriginRefused          origin_refused
    +-- Conflict              409  conflict
    +-- TooLarge              413  too_large
    +-- UnsupportedMediaType  415  unsupported_media_type
    +-- RateLimited           429  rate_limited
    +-- Unavailable           503  unavailable
    +-- Unauthorized          401
        +-- InvalidCredentials     invalid_credentials
        +-- OtpRequired            otp_required
        +-- TokenMissing           token_missing
        +-- TokenInvalid           token_invalid
        +-- TokenExpired           token_expired
        +-- AuthTimeout            auth_timeout
        +-- SecondFactorRequired   forbidden, 403: it is both

`missions.errors` adds what only missions know. REST maps these in `agents.api.errors`, sockets in
`agents.sockets.consumer`: nowhere else does an exception become an answer.
"""

from typing import ClassVar

from agents.protocol import CloseCode


class HQError(Exception):
    """An answer that says no. `message` is for people; `field` names the part of the input."""

    code: ClassVar[str]
    status: ClassVar[int]
    default_message: ClassVar[str]

    def __init__(self, message: str = "", *, field: str | None = None) -> None:
        self.message = message or self.default_message
        self.field = field
        super().__init__(self.message)


class Invalid(HQError):
    """The input is malformed; `field` says where."""

    code, status, default_message = "invalid", 400, "The input is not valid."


class NotFound(HQError):
    """It does not exist, or the agent may not see it: the two are one answer."""

    code, status, default_message = "not_found", 404, "Not found."


class Forbidden(HQError):
    """The agent sees it and may not do this to it."""

    code, status, default_message = "forbidden", 403, "You may not do this."


class CsrfFailed(Forbidden):
    """A cookie-authenticated write without the matching X-CSRFToken."""

    code, default_message = "csrf_failed", "The CSRF token is missing or wrong."


class OriginRefused(Forbidden):
    """The Origin is not on the allowlist (RFC 6455, section 10.2)."""

    code, default_message = "origin_refused", "This origin may not connect."


class Conflict(HQError):
    """What is there already stands against it."""

    code, status, default_message = "conflict", 409, "This does not fit what is there already."


class TooLarge(HQError):
    """The body or frame is over its limit."""

    code, status, default_message = "too_large", 413, "The input is too large."


class UnsupportedMediaType(HQError):
    """Only JSON is read."""

    code, status, default_message = "unsupported_media_type", 415, "Send application/json."


class RateLimited(HQError):
    """Too much, too fast. `retry_after` is in seconds."""

    code, status, default_message = "rate_limited", 429, "Too many requests. Try again later."

    def __init__(self, message: str = "", *, retry_after: int = 1) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class Unavailable(HQError):
    """Unknown whether it happened: retry with the same `client_id`."""

    code, status, default_message = "unavailable", 503, "Not available now. Try again."


class Unauthorized(HQError):
    """Not authenticated. `close_reason` goes into the close frame of a refused socket."""

    status = 401
    close_code: ClassVar[CloseCode] = CloseCode.UNAUTHORIZED
    close_reason: ClassVar[str] = "Unauthorized: Invalid Token"


class InvalidCredentials(Unauthorized):
    """One answer for an unknown name, a wrong password and a disabled account."""

    code, default_message = "invalid_credentials", "Username or password is wrong."


class OtpRequired(Unauthorized):
    """The password is right and a one-time code is needed."""

    code, default_message = "otp_required", "A one-time code is required."


class TokenMissing(Unauthorized):
    """No credential at all."""

    code, default_message = "token_missing", "A token is required."
    close_reason = "Unauthorized: Token Required"


class TokenInvalid(Unauthorized):
    """Anything wrong with a credential but its age: forged, ended, of a disabled agent."""

    code, default_message = "token_invalid", "The token is not valid."


class TokenExpired(Unauthorized):
    """A good signature past its time, and nothing else."""

    code, default_message = "token_expired", "The token has expired."
    close_reason = "Unauthorized: Token Expired"


class AuthTimeout(Unauthorized):
    """The first message did not come in time."""

    code, default_message = "auth_timeout", "No authentication arrived in time."
    close_reason = "Unauthorized: Timeout"


class SecondFactorRequired(Unauthorized, Forbidden):
    """A good credential of staff who have to set a second factor first.

    `forbidden` to a caller; a socket is refused with it as with any credential that is not enough.
    """

    status = Forbidden.status
    default_message = "Staff must set up a second factor before anything else."
