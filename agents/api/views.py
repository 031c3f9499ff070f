"""REST calls about the caller's own account and session.

Each view reads, calls one service, and answers; tokens go where the client asked for them and
nowhere else.
"""

import contextlib
from typing import Any
from uuid import UUID

from django.http import HttpResponse
from django.middleware.csrf import get_token, rotate_token
from drf_spectacular.utils import extend_schema
from rest_framework.permissions import AllowAny
from rest_framework.request import Request

from agents import cookies, keys, logins, rotation, sessions, tickets
from agents.api import serializers, shapes
from agents.api.authentication import bearer_token, require_csrf
from agents.api.calls import Call, answer
from agents.api.parsers import CredentialsParser
from agents.api.shapes import Pair, TicketObject, answers
from agents.errors import Invalid, Unauthorized
from agents.selectors import agent_object

OWN_OR_COOKIE: list[Any] = [{}, {"cookie": []}]
ANY_OR_NONE: list[Any] = [*OWN_OR_COOKIE, {"bearer": []}]
# For the schema. `{}`: the token is in the body and nothing else is needed.


class OpenCall(Call):
    """A call that brings its own credential, or needs none."""

    authentication_classes = ()
    permission_classes = (AllowAny,)
    parser_classes = (CredentialsParser,)


class Login(OpenCall):
    """From a password to a session."""

    @extend_schema(
        operation_id="login",
        tags=["auth"],
        auth=[],
        request=serializers.LoginBody,
        responses=answers({200: shapes.LoggedIn}, 400, 401, 413, 415),
    )
    def post(self, request: Request) -> HttpResponse:
        """Opens a session; tokens come in the body and as cookies unless `transport` says else."""
        said: dict[str, Any] = self.sent(serializers.LoginBody).validated_data
        transport = said["transport"]
        if transport != "body" and not cookies.cookies_allowed():
            raise Invalid("Cookies need HTTPS. Ask for the transport body.", field="transport")
        session = logins.log_in(
            said["username"],
            said["password"],
            said.get("otp"),
            address=self.address,
            user_agent=request.META.get("HTTP_USER_AGENT", ""),
        )
        pair = sessions.issue_pair(session)
        agent = agent_object(session.agent)
        if transport == "cookie":
            response = answer(Pair(expires_in=pair.expires_in, agent=agent))
        else:
            response = answer(
                Pair(
                    access=pair.access,
                    refresh=pair.refresh,
                    expires_in=pair.expires_in,
                    agent=agent,
                )
            )
        if transport != "body":
            cookies.set_cookies(response, pair)
            rotate_token(request)
        return response


class Refresh(OpenCall):
    """From a refresh token to the next pair."""

    @extend_schema(
        operation_id="refresh",
        tags=["auth"],
        auth=OWN_OR_COOKIE,
        request=serializers.RefreshBody,
        responses=answers({200: shapes.Refreshed}, 400, 401, 403, 413, 415),
    )
    def post(self, request: Request) -> HttpResponse:
        """The next pair, the way the refresh token came: one in the body wins over the cookie."""
        said = self.sent(serializers.RefreshBody).validated_data
        if "refresh" in said:
            _, pair = rotation.rotate(said["refresh"], address=self.address)
            return answer(
                Pair(access=pair.access, refresh=pair.refresh, expires_in=pair.expires_in)
            )
        token = request.COOKIES.get(cookies.refresh_cookie_name(), "")
        sessions.read_refresh(token)
        require_csrf(request)
        _, pair = rotation.rotate(token, address=self.address)
        response = answer(Pair(expires_in=pair.expires_in))
        cookies.set_cookies(response, pair)
        return response


class Logout(OpenCall):
    """The end of the session that the call's tokens belong to."""

    @extend_schema(
        operation_id="logout",
        tags=["auth"],
        auth=ANY_OR_NONE,
        request=serializers.RefreshBody,
        responses=answers({204: None}, 400, 403, 413, 415),
    )
    def post(self, request: Request) -> HttpResponse:
        """Ends the session, if one is left to end; a good token of either kind is enough."""
        said = self.sent(serializers.RefreshBody).validated_data
        if "refresh" in said or "HTTP_AUTHORIZATION" in request.META:
            refresh, access = said.get("refresh", ""), ""
            with contextlib.suppress(Unauthorized):
                access = bearer_token(request) or ""
        else:
            refresh = request.COOKIES.get(cookies.refresh_cookie_name(), "")
            access = request.COOKIES.get(cookies.access_cookie_name(), "")
            if refresh or access:
                require_csrf(request)
        end_by_tokens(access, refresh, self.address)
        return logged_out()


class Ticket(Call):
    """A way to open a WebSocket from a browser without a token in the address."""

    @extend_schema(
        operation_id="make_ticket",
        tags=["auth"],
        request=None,
        responses=answers({201: shapes.Ticket}, 400, 401, 403, 413, 415),
    )
    def post(self, request: Request) -> HttpResponse:
        """A ticket for one WebSocket, for 30 seconds; expires with the access token in use."""
        self.sent(serializers.NoBody)
        value, expires_in = tickets.issue_ticket(self.authenticated)
        return answer(TicketObject(value, expires_in), 201)


class Me(Call):
    """The caller."""

    enrols = True

    @extend_schema(operation_id="me", tags=["auth"], responses=answers({200: shapes.Agent}, 401))
    def get(self, request: Request) -> HttpResponse:
        """The caller as it is now; with a cookie it also sets the cookie `csrftoken`."""
        if "HTTP_AUTHORIZATION" not in request.META:
            get_token(request)
            request.META["CSRF_COOKIE_NEEDS_UPDATE"] = True
        return answer(agent_object(self.agent))


class Keys(OpenCall):
    """The public keys of access tokens."""

    @extend_schema(operation_id="jwks", tags=["auth"], auth=[], responses={200: shapes.KeySet})
    def get(self, request: Request) -> HttpResponse:
        """A JWK set (RFC 7517), to check access tokens with."""
        response = answer(keys.jwks())
        response["Cache-Control"] = "public, max-age=300"
        return response


def end_by_tokens(access: str, refresh: str, address: str | None) -> None:
    """Ends the sessions that these tokens are good for; a bad one ends nothing and says nothing."""
    with contextlib.suppress(Unauthorized):
        found = sessions.check_access(access, enrolling=True)
        end(found.session.id, found.agent.id, address)
    with contextlib.suppress(Unauthorized):
        known = sessions.read_refresh(refresh)
        end(known.session_id, known.agent_id, address)


def end(session_id: UUID, agent_id: UUID, address: str | None) -> None:
    """Ends a session at its agent's own wish."""
    sessions.end_session(session_id, "logout", actor=agent_id, address=address)


def logged_out() -> HttpResponse:
    """204, and the browser forgets the tokens and what it kept of this site."""
    response = HttpResponse(status=204)
    cookies.clear_cookies(response)
    response["Clear-Site-Data"] = '"cache", "storage"'
    return response
