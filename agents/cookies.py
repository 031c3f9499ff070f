"""The cookies of a browser's session: their names, and how they are set and cleared.

Over TLS the names carry the prefixes that make browsers hold them to Secure, to this host and to
their path (RFC 6265bis, section 4.1.3), and only those names are read. Plain http is for
development. Called by `agents.api` and by `agents.sockets`.
"""

from typing import Literal

from django.conf import settings
from django.http import HttpResponseBase
from django.utils import timezone

from agents.sessions import TokenPair

REFRESH_PATH = "/api/auth/"


def access_cookie_name() -> str:
    """The cookie that authenticates requests and, from HQ's own pages, sockets."""
    return "__Host-jwt" if settings.HQ_SECURE_COOKIES else "jwt"


def refresh_cookie_name() -> str:
    """The cookie that goes to `/api/auth/` alone."""
    return "__Secure-jwt-refresh" if settings.HQ_SECURE_COOKIES else "jwt-refresh"


def cookies_allowed() -> bool:
    """Whether tokens may be put into cookies: with TLS, or in development."""
    return bool(settings.HQ_SECURE_COOKIES or settings.HQ_DEVELOPMENT)


def set_cookies(response: HttpResponseBase, pair: TokenPair) -> None:
    """Puts both tokens into cookies that end when the tokens do."""
    left = pair.refresh_expires_at - timezone.now()
    _set(response, access_cookie_name(), pair.access, pair.expires_in, "/")
    _set(response, refresh_cookie_name(), pair.refresh, int(left.total_seconds()), REFRESH_PATH)


def clear_cookies(response: HttpResponseBase) -> None:
    """Has the browser forget both tokens."""
    _set(response, access_cookie_name(), "", 0, "/")
    _set(response, refresh_cookie_name(), "", 0, REFRESH_PATH)


def _set(response: HttpResponseBase, name: str, value: str, max_age: int, path: str) -> None:
    same_site: Literal["Strict"] = "Strict"
    response.set_cookie(
        name,
        value,
        max_age=max_age,
        path=path,
        secure=settings.HQ_SECURE_COOKIES,
        httponly=True,
        samesite=same_site,
    )
