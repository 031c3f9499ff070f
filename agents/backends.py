"""How Django itself, and with it the admin, asks who somebody is: through `agents.logins`.

So that a login in the admin counts, waits and is audited as one over the API. Rights are Django's
own.
"""

from typing import Any

from axes.backends import AxesStandaloneBackend
from django.contrib.auth.backends import ModelBackend
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest

from agents import lockout, logins
from agents.addresses import client_address
from agents.errors import RateLimited, Unauthorized
from agents.models import Agent


class AgentBackend(AxesStandaloneBackend, ModelBackend):
    """Name, password, and the second factor where one is set."""

    def authenticate(
        self,
        request: HttpRequest | None,
        username: str | None = None,
        password: str | None = None,
        otp: str | None = None,
        **kwargs: Any,
    ) -> Agent | None:
        """The agent; None when something is wrong, `PermissionDenied` after too many failures."""
        if username is None or password is None:
            return None
        peer = request.META.get("REMOTE_ADDR") if request is not None else None
        try:
            proof = logins.prove(username, password, otp, address=client_address(peer, (), ()))
        except RateLimited:
            raise PermissionDenied from None
        except Unauthorized:
            return None
        lockout.complete(proof.attempt)
        return proof.agent
