"""Calls from pages of other origins: none, unless `HQ_ALLOWED_ORIGINS` names the origin exactly.

Such a page brings its token in the Authorization header. Cookies are neither allowed (the answer
never says Access-Control-Allow-Credentials) nor looked at, and no other path than `/api` is opened.
Fetch standard, section 3.2; OWASP ASVS 5.0, 3.4.2.
"""

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.utils.cache import patch_vary_headers

Answer = Callable[[HttpRequest], HttpResponseBase]

METHODS = "GET, POST, PATCH, DELETE"
HEADERS = "Authorization, Content-Type"
EXPOSED = "Retry-After, WWW-Authenticate"
REMEMBERED = 600
"""Seconds for which a browser need not ask again."""


def other_origins(get_response: Answer) -> Answer:
    """Middleware: answers preflights of allowed origins, and opens answers to them."""

    def answer(request: HttpRequest) -> HttpResponseBase:
        if not settings.HQ_ALLOWED_ORIGINS or not f"{request.path_info}/".startswith("/api/"):
            return get_response(request)
        origin = request.META.get("HTTP_ORIGIN")
        allowed = origin in settings.HQ_ALLOWED_ORIGINS
        if allowed:
            request.META.pop("HTTP_COOKIE", None)
        response = _preflight(request) if allowed and _asks(request) else get_response(request)
        if allowed:
            response.headers["Access-Control-Allow-Origin"] = str(origin)
            response.headers["Access-Control-Expose-Headers"] = EXPOSED
            # The browser would refuse to show the answer to the page otherwise.
            response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
        patch_vary_headers(response, ["Origin"])
        return response

    return answer


def _asks(request: HttpRequest) -> bool:
    return request.method == "OPTIONS" and "HTTP_ACCESS_CONTROL_REQUEST_METHOD" in request.META


def _preflight(request: HttpRequest) -> HttpResponse:
    return HttpResponse(
        status=204,
        headers={
            "Access-Control-Allow-Methods": METHODS,
            "Access-Control-Allow-Headers": HEADERS,
            "Access-Control-Max-Age": str(REMEMBERED),
        },
    )
