"""REST calls about what the caller's account hangs on: its sessions, password and second factor.

Changes of credentials ask for the password again, and for the code where a second factor is set:
who found an open browser cannot take the account over (ASVS 5.0, 7.5.1). Wrong ones count as failed
logins do.
"""

import contextlib
import io
from typing import Any
from uuid import UUID

import segno
from django.http import HttpResponse
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import Direction, OpenApiParameter, extend_schema
from rest_framework.request import Request

from agents import accounts, enrolment, logins, mfa, models, selectors, sessions
from agents.api import serializers, shapes
from agents.api.calls import Call, answer
from agents.api.parsers import CredentialsParser
from agents.api.shapes import (
    ConnectionObject,
    FactorObject,
    RecoveryCodesObject,
    SecretObject,
    SessionObject,
    answers,
)
from agents.api.views import logged_out
from agents.errors import NotFound
from agents.protocol import wire_time

SESSION_ID = OpenApiParameter("session_id", OpenApiTypes.UUID, OpenApiParameter.PATH)


class WithBody(AutoSchema):
    """Shows the body of a DELETE, which the framework leaves out."""

    def _get_request_body(self, direction: Direction = "request") -> Any:
        method, self.method = self.method, "POST"
        try:
            return super()._get_request_body(direction)  # type: ignore[no-untyped-call]
        finally:
            self.method = method


class CredentialsCall(Call):
    """A call by an authenticated agent whose body may hold credentials."""

    parser_classes = (CredentialsParser,)
    enrols = True


@extend_schema(tags=["account"])
class Sessions(Call):
    """The caller's sessions."""

    enrols = True

    @extend_schema(
        operation_id="list_sessions", responses=answers({200: shapes.Session(many=True)}, 401)
    )
    def get(self, request: Request) -> HttpResponse:
        """The caller's sessions that stand, newest first, each with its open connections."""
        current = self.authenticated.session.id
        found = selectors.standing_sessions(self.agent.id)
        return answer([session_object(session, current) for session in found])

    @extend_schema(
        operation_id="end_other_sessions",
        request=None,
        responses=answers({204: None}, 400, 401, 403, 413, 415),
    )
    def delete(self, request: Request) -> HttpResponse:
        """Ends all sessions of the caller's but the one that asks, and closes their sockets."""
        self.sent(serializers.NoBody)
        sessions.end_sessions(
            self.agent.id,
            reason="ended_by_agent",
            but=self.authenticated.session.id,
            actor=self.agent.id,
            address=self.address,
        )
        return HttpResponse(status=204)


@extend_schema(parameters=[SESSION_ID], tags=["account"])
class OneSession(Call):
    """One session of the caller's."""

    enrols = True

    @extend_schema(
        operation_id="end_session",
        request=None,
        responses=answers({204: None}, 400, 401, 403, 404, 413, 415),
    )
    def delete(self, request: Request, session_id: str) -> HttpResponse:
        """Ends it and closes its sockets; the one that asks is logged out."""
        self.sent(serializers.NoBody)
        own = models.Session.objects.filter(agent=self.agent)
        found = None
        with contextlib.suppress(ValueError):
            found = own.filter(id=UUID(session_id)).first()
        by = {"actor": self.agent.id, "address": self.address}
        if found is None or not sessions.end_session(found.id, "ended_by_agent", **by):
            raise NotFound
        if found.id == self.authenticated.session.id:
            return logged_out()
        return HttpResponse(status=204)


class Password(CredentialsCall):
    """The caller's password."""

    @extend_schema(
        operation_id="change_password",
        tags=["account"],
        request=serializers.PasswordBody,
        responses=answers({204: None}, 400, 401, 403, 413, 415),
    )
    def post(self, request: Request) -> HttpResponse:
        """Sets a new password and ends all other sessions."""
        said = self.sent(serializers.PasswordBody).validated_data
        accounts.change_password(
            self.authenticated,
            said["current_password"],
            said["new_password"],
            said.get("otp"),
            address=self.address,
        )
        return HttpResponse(status=204)


class Enrol(CredentialsCall):
    """The beginning of a second factor."""

    @extend_schema(
        operation_id="enrol_otp",
        tags=["account"],
        request=serializers.EnrolBody,
        responses=answers({200: shapes.Secret}, 400, 401, 403, 409, 413, 415),
    )
    def post(self, request: Request) -> HttpResponse:
        """A new TOTP secret, in force once it is confirmed, for which there are 15 minutes."""
        said = self.sent(serializers.EnrolBody).validated_data
        mfa.require_none(self.agent)
        logins.prove_again(self.agent, said["password"], address=self.address)
        enrolment = mfa.enrol(self.agent)
        return answer(SecretObject(enrolment.secret, enrolment.uri))


class Confirm(CredentialsCall):
    """The first code of a new second factor."""

    @extend_schema(
        operation_id="confirm_otp",
        tags=["account"],
        request=serializers.ConfirmBody,
        responses=answers({200: shapes.RecoveryCodes}, 400, 401, 403, 409, 413, 415),
    )
    def post(self, request: Request) -> HttpResponse:
        """Puts the second factor in force, ends all other sessions, shows the recovery codes."""
        said = self.sent(serializers.ConfirmBody).validated_data
        codes = mfa.confirm(self.authenticated, said["otp"], address=self.address)
        return answer(RecoveryCodesObject(codes))


class Otp(CredentialsCall):
    """The caller's second factor."""

    schema = WithBody()

    @extend_schema(
        operation_id="read_otp", tags=["account"], responses=answers({200: shapes.Factor}, 401)
    )
    def get(self, request: Request) -> HttpResponse:
        """Whether a second factor is in force, and how many recovery codes are left."""
        factor = FactorObject(enrolment.enrolled(self.agent), mfa.recovery_codes_left(self.agent))
        return answer(factor)

    @extend_schema(
        operation_id="disable_otp",
        tags=["account"],
        request=serializers.DisableBody,
        responses=answers({204: None}, 400, 401, 403, 409, 413, 415),
    )
    def delete(self, request: Request) -> HttpResponse:
        """Removes the second factor and the recovery codes, and ends all other sessions."""
        said = self.sent(serializers.DisableBody).validated_data
        mfa.require_one(self.agent)
        logins.prove_again(self.agent, said["password"], said["otp"], address=self.address)
        mfa.disable(self.authenticated, address=self.address)
        return HttpResponse(status=204)


class Picture(CredentialsCall):
    """The QR code of an enrolment, for pages that cannot paint one."""

    @extend_schema(
        operation_id="paint_otp",
        tags=["account"],
        request=serializers.PictureBody,
        responses={
            **answers({}, 400, 401, 403, 413, 415),
            (200, "image/svg+xml"): OpenApiTypes.STR,
        },
    )
    def post(self, request: Request) -> HttpResponse:
        """The URI of an enrolment as a QR code in SVG. Keeps nothing; the secret is in no URL."""
        uri = self.sent(serializers.PictureBody).validated_data["uri"]
        picture = io.BytesIO()
        segno.make(uri, error="m", micro=False).save(
            picture, kind="svg", xmldecl=False, omitsize=True, dark="#000", light="#fff", border=4
        )
        return HttpResponse(picture.getvalue(), content_type="image/svg+xml")


def session_object(session: models.Session, current: UUID) -> SessionObject:
    """A session as its agent sees it."""
    opened: list[models.Connection] = getattr(session, "open_connections", [])
    return SessionObject(
        id=str(session.id),
        kind=session.kind,
        name=session.name,
        current=session.id == current,
        address=session.address,
        user_agent=session.user_agent,
        created_at=wire_time(session.created_at),
        refreshed_at=wire_time(session.rotated_at),
        expires_at=wire_time(session.expires_at),
        connections=[
            ConnectionObject(str(one.id), one.address, one.user_agent, wire_time(one.opened_at))
            for one in opened
        ],
    )
