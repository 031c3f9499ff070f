"""What every REST call of HQ shares: reading what came in, writing what goes out.

Owns the first check of the contract's order (the media type, before authentication), the strict
reading of bodies, and the encoded answer. Views of `agents.api` stand on it, and others' may.
"""

from typing import Any, ClassVar, TypeVar, cast

import msgspec
from django.http import HttpRequest, HttpResponse
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from agents.api import throttles
from agents.api.authentication import address_of
from agents.api.serializers import StrictSerializer
from agents.errors import SecondFactorRequired, UnsupportedMediaType
from agents.models import Agent
from agents.sessions import Authenticated

Read = TypeVar("Read", bound=StrictSerializer)

_encoder = msgspec.json.Encoder()


class Call(APIView):
    """A view that reads and answers JSON alone, whatever `Accept` says, and is never cached.

    `address` is the caller's.
    """

    address: str | None
    enrols: ClassVar[bool] = False
    """Whether it is open to staff who have to set a second factor first."""

    def initialize_request(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Request:
        """The framework's request. Without this it takes a body sent in chunks for none."""
        if "CONTENT_LENGTH" not in request.META and request.method not in ("GET", "HEAD"):
            request.META["CONTENT_LENGTH"] = str(len(request.body))
        return super().initialize_request(request, *args, **kwargs)

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Media type, then authentication and CSRF, then whether a second factor is missing."""
        self.address = address_of(request)
        throttles.address_calls(self.address)
        require_json(request)
        super().initial(request, *args, **kwargs)
        if isinstance(request.user, Agent):
            throttles.agent_calls(request.user.pk, self.address)
            if self.authenticated.must_enrol and not self.enrols:
                raise SecondFactorRequired

    def perform_content_negotiation(self, request: Request, force: bool = False) -> Any:
        """JSON: `Accept` decides nothing."""
        renderer = self.get_renderers()[0]
        return renderer, renderer.media_type

    def finalize_response(
        self, request: Request, response: Any, *args: Any, **kwargs: Any
    ) -> Response:
        """Keeps answers out of every cache, unless the view says otherwise."""
        finished = super().finalize_response(request, response, *args, **kwargs)
        finished.headers.setdefault("Cache-Control", "no-store")
        return finished

    @property
    def agent(self) -> Agent:
        """The caller, fresh from authentication."""
        return cast(Agent, self.request.user)

    @property
    def authenticated(self) -> Authenticated:
        """The caller with its session."""
        return cast(Authenticated, self.request.auth)

    def sent(self, shape: type[Read]) -> Read:
        """The body, read by that serializer; a `ValidationError` that names the field else."""
        reader = shape(data=self.request.data)
        reader.is_valid(raise_exception=True)
        return reader


def require_json(request: Request) -> None:
    """`UnsupportedMediaType` for a body that does not say that it is JSON (RFC 8259, 11)."""
    if request.method in ("GET", "HEAD", "OPTIONS"):
        return
    said = request.META.get("CONTENT_TYPE", "").partition(";")[0].strip().lower()
    if said != "application/json" and (said or request.META.get("CONTENT_LENGTH", "0") != "0"):
        raise UnsupportedMediaType


def answer(value: Any, status: int = 200) -> HttpResponse:
    """A typed struct as an answer."""
    body = _encoder.encode(value)
    return HttpResponse(body, status=status, content_type="application/json")
