"""What HQ answers where no view does: JSON to programs, a page to people.

Under `/api` and `/.well-known` every refusal has the shape of the contract, whoever refuses. A path
without a view answers exactly as a mission that the caller may not see.
"""

from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views import defaults
from django.views.decorators.csrf import csrf_exempt

from agents.api.errors import error_body
from agents.errors import HQError, Invalid, NotFound, TooLarge, Unavailable

FOR_PROGRAMS = ("/api/", "/.well-known/")


@csrf_exempt
def unknown_call(request: HttpRequest) -> HttpResponse:
    """A path under `/api` that nobody knows, also where Django would show its debug page."""
    return refusal(NotFound())


@csrf_exempt
def upgrade_required(request: HttpRequest) -> HttpResponse:
    """The socket's path, called without a WebSocket handshake (RFC 9110, section 15.5.22)."""
    error = Invalid("This is a WebSocket: open it with a handshake, as docs/protocol.md says.")
    response = refusal(error, status=426)
    response.headers["Upgrade"] = "websocket"
    return response


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """A request that Django itself refuses: a bad Host, a body over the limit."""
    if not for_programs(request):
        return defaults.bad_request(request, exception)
    return refusal(TooLarge() if isinstance(exception, RequestDataTooBig) else Invalid())


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Any other path that nobody knows."""
    if not for_programs(request):
        return defaults.page_not_found(request, exception)
    return refusal(NotFound())


def server_error(request: HttpRequest) -> HttpResponse:
    """A mistake of HQ's own, logged where it happened; what it had done by then is unknown."""
    if not for_programs(request):
        return defaults.server_error(request)
    return refusal(Unavailable("Something went wrong here. Try again."), status=500)


def for_programs(request: HttpRequest) -> bool:
    """Whether programs call this path."""
    return f"{request.path_info}/".startswith(FOR_PROGRAMS)


def refusal(error: HQError, status: int | None = None) -> HttpResponse:
    """The JSON of an error, byte for byte as the views of the API write it."""
    return JsonResponse(
        error_body(error),
        status=status or error.status,
        json_dumps_params={"separators": (",", ":"), "ensure_ascii": False},
    )
