"""Headers that every answer has, whoever made it: static files, pages, calls, refusals.

Beside these come the content security policy (django-csp), and from Django nosniff, HSTS, the
referrer policy, the opener policy and X-Frame-Options. OWASP ASVS 5.0: 3.4, 14.3.2.
"""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponseBase

Answer = Callable[[HttpRequest], HttpResponseBase]

ALWAYS = {
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(self), microphone=(), payment=(), usb=()",
}
PERSONAL = ("/api/", "/admin/")


def security_headers(get_response: Answer) -> Answer:
    """Middleware: what may be personal is kept by no cache unless its view says otherwise."""

    def answer(request: HttpRequest) -> HttpResponseBase:
        response = get_response(request)
        for name, value in ALWAYS.items():
            response.headers.setdefault(name, value)
        if f"{request.path_info}/".startswith(PERSONAL):
            response.headers.setdefault("Cache-Control", "no-store")
        if response.status_code == 204:
            del response.headers["Content-Type"]  # Django names one for what has no content
        return response

    return answer
