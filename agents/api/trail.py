"""What refusals of REST leave in the security log: by code, and which call it was.

Holds no token, no body and no id, but the pattern of the path: what is hidden and what does not
exist leave one row. Failed logins and limits are written where they are decided. Called by
`agents.api.errors`.
"""

from collections.abc import Mapping
from typing import Any

from agents import notebook
from agents.addresses import client_address
from agents.errors import (
    Forbidden,
    HQError,
    Invalid,
    InvalidCredentials,
    NotFound,
    OtpRequired,
    TooLarge,
    Unauthorized,
    UnsupportedMediaType,
)
from agents.sessions import Authenticated

_EVENTS: tuple[tuple[type[HQError], str], ...] = (
    (Forbidden, "authz_fail"),
    (NotFound, "authz_fail"),
    (Invalid, "input_validation_fail"),
    (TooLarge, "input_validation_fail"),
    (UnsupportedMediaType, "input_validation_fail"),
    (Unauthorized, "authn_token_refused"),
)


def told(error: HQError, context: Mapping[str, Any]) -> None:
    """A caller was told that it may not, that its credential is no good, or its input."""
    request = context.get("request")
    event = next((name for kind, name in _EVENTS if isinstance(error, kind)), None)
    if request is None or event is None or isinstance(error, InvalidCredentials | OtpRequired):
        return
    # Not `request.auth`: where authentication failed, that would try it again.
    caller = vars(request).get("_auth")
    known = caller if isinstance(caller, Authenticated) else None
    notebook.refused(
        event,
        f"{error.code} {_call(request)}",
        client_address(request.META.get("REMOTE_ADDR"), (), ()),
        actor=known.agent.id if known else None,
        session=known.session.id if known else None,
    )


def _call(request: Any) -> str:
    match = request.resolver_match
    return f"{request.method} /{match.route}" if match is not None else str(request.method)
