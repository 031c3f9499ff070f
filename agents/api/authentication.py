"""Who makes a REST call: the Authorization header decides alone, else the access cookie.

Sets `request.user` to the agent and `request.auth` to `agents.sessions.Authenticated`. A cookie is
sent by the browser whoever wrote the page, so unsafe calls by cookie must also show that they can
read it: X-CSRFToken equals the cookie `csrftoken` (OWASP, double submit), and an Origin, if there
is one, is HQ's own. Who must set a second factor first is let through to `agents.api.calls`, which
knows what the call is.
"""

import re

import structlog
from django.conf import settings
from django.utils.crypto import constant_time_compare
from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request

from agents.addresses import client_address
from agents.cookies import access_cookie_name
from agents.errors import CsrfFailed, TokenInvalid
from agents.models import Agent
from agents.sessions import Authenticated, check_access

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})

_BEARER = re.compile(r"bearer +([^ ]+)", re.IGNORECASE)


class SessionJWTAuthentication(BaseAuthentication):
    """Authenticates by an access token of a standing session; refuses as `agents.errors` says."""

    def authenticate(self, request: Request) -> tuple[Agent, Authenticated] | None:
        """The agent and its session; None when the call brought no credential."""
        token = bearer_token(request)
        if token is not None:
            authenticated = check_access(token, enrolling=True)
        elif cookie := request.COOKIES.get(access_cookie_name()):
            authenticated = check_access(cookie, enrolling=True)
            require_csrf(request)
        else:
            return None
        # Every line of this call names the session, that of the access log too.
        structlog.contextvars.bind_contextvars(session=str(authenticated.session.id))
        return authenticated.agent, authenticated

    def authenticate_header(self, request: Request) -> str:
        """What a 401 of the framework's own says."""
        return "Bearer"


def bearer_token(request: Request) -> str | None:
    """The token of the Authorization header; None without one, `TokenInvalid` for a bad one.

    Two headers arrive joined by a comma, which no token contains.
    """
    said = request.META.get("HTTP_AUTHORIZATION")
    if said is None:
        return None
    found = _BEARER.fullmatch(said.strip())
    if found is None:
        raise TokenInvalid
    return found.group(1)


def require_csrf(request: Request) -> None:
    """`CsrfFailed` unless the call is safe or shows the cookie's value in X-CSRFToken."""
    if request.method in SAFE_METHODS:
        return
    origin = request.META.get("HTTP_ORIGIN")
    shown = request.META.get(settings.CSRF_HEADER_NAME, "")
    kept = request.COOKIES.get(settings.CSRF_COOKIE_NAME, "")
    if origin is not None and origin not in settings.HQ_PUBLIC_ORIGINS:
        raise CsrfFailed
    if not kept or not constant_time_compare(shown, kept):
        raise CsrfFailed


def address_of(request: Request) -> str | None:
    """The caller's address, in its shortest form; proxies were looked through before."""
    return client_address(request.META.get("REMOTE_ADDR"), (), ())
