"""What refusals of REST leave in the security log: by code, and which call it was.

Holds no token, no body and no id, but the pattern of the path. Failed logins and limits are written
where they are decided. Called by `agents.api.errors`.
"""

from collections.abc import Mapping
from typing import Any

from agents import notebook
from agents.addresses import client_address
from agents.errors import Forbidden, HQError, InvalidCredentials, OtpRequired, Unauthorized
from agents.sessions import Authenticated


def told(error: HQError, context: Mapping[str, Any]) -> None:
    """A caller was told that it may not, or that its credential is no good."""
    request = context.get("request")
    if request is None:
        return
    if isinstance(error, Forbidden):
        event = "authz_fail"
    elif isinstance(error, Unauthorized) and not isinstance(
        error, InvalidCredentials | OtpRequired
    ):
        event = "authn_token_refused"
    else:
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
