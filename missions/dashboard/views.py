"""The dashboard's two pages: empty shells that hold no personal data.

Everything that they show comes by the API and the socket afterwards, so neither page asks who is
there: no query, no session. Called by `missions.dashboard.urls`.
"""

from pathlib import Path

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import cache_control
from django.views.decorators.csrf import ensure_csrf_cookie
from django.views.decorators.http import require_safe

_STATIC = Path(__file__).resolve().parent.parent / "static"
_NOT_OF_THE_ROOM = {"login.js", "room.js", "theme_early.js", "types.js"}
_SHEETS = [f"missions/{name}.css" for name in ("layout", "log", "composer", "panels", "account")]
_MODULES = sorted(
    path.relative_to(_STATIC).as_posix()
    for path in (_STATIC / "missions").glob("*.js")
    if path.name not in _NOT_OF_THE_ROOM
)


@require_safe
@cache_control(no_cache=True, private=True)
@ensure_csrf_cookie
def room(request: HttpRequest) -> HttpResponse:
    """The room's shell. The CSRF cookie is there for the cookie-authenticated calls to come."""
    return render(request, "missions/room.html", {"sheets": _SHEETS, "modules": _MODULES})


@require_safe
@cache_control(no_cache=True, private=True)
@ensure_csrf_cookie
def login(request: HttpRequest) -> HttpResponse:
    """The form; `login.js` sends it to the API."""
    return render(request, "missions/login.html")
