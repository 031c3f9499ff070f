"""What clients send over REST: shapes of bodies and of query strings.

Owns syntax alone: types, lengths, names, and that nothing unknown is there. Whether it may be done
is decided by `missions.services`. The shapes of answers are in `missions.api.shapes`.
"""

from typing import Any

from drf_spectacular.utils import PolymorphicProxySerializer
from rest_framework import serializers

from agents.api.serializers import StrictSerializer, Text
from agents.roles import Clearance, Role
from missions import limits
from missions.api.fields import (
    KIND_NAMES,
    KINDS_BUT_POSITION,
    STATUS_NAMES,
    Choice,
    ClearanceName,
    Flag,
    Id,
    JSONObject,
    QueryNumber,
    RoleName,
    Whole,
)
from missions.drafts import Draft
from missions.protocol import Kind


class NewMission(StrictSerializer):
    """`POST /api/missions`."""

    codename = Text(min_length=1, max_length=limits.CODENAME_LENGTH)
    objective = Text(max_length=limits.OBJECTIVE_LENGTH, allow_blank=True)
    classification = ClearanceName()


class MissionChange(StrictSerializer):
    """`PATCH /api/missions/{id}`: any of these."""

    codename = Text(min_length=1, max_length=limits.CODENAME_LENGTH, required=False)
    objective = Text(max_length=limits.OBJECTIVE_LENGTH, allow_blank=True, required=False)
    status = Choice(choices=STATUS_NAMES, required=False)
    classification = ClearanceName(required=False)


class NewMember(StrictSerializer):
    """`POST /api/missions/{id}/members`: the id of an agent."""

    agent = Id()


class NewUpdate(StrictSerializer):
    """`POST /api/missions/{id}/updates`, for every kind but `position`."""

    kind = Choice(choices=KINDS_BUT_POSITION)
    body = Text(min_length=1, max_length=limits.BODY_LENGTH)
    data = JSONObject(required=False)  # type: ignore[assignment]  # the wire's name
    classification = ClearanceName(required=False)
    roles = serializers.ListField(child=RoleName(), required=False)
    requires_ack = Flag(required=False)
    ack_within = Whole(
        min_value=limits.ACK_WITHIN[0],
        max_value=limits.ACK_WITHIN[1],
        required=False,
        allow_null=True,
        help_text="Seconds.",
    )
    client_id = Text(
        min_length=1,
        max_length=limits.CLIENT_ID_LENGTH,
        required=False,
        help_text="Names this update for its author: a repeat is answered with the same update.",
    )

    def draft(self) -> Draft:
        """What `services.publish` takes; call after `is_valid`."""
        said: dict[str, Any] = dict(self.validated_data)
        classification: Clearance | None = said.get("classification")
        roles: list[Role] = said.get("roles", [])
        return Draft(
            kind=Kind(said["kind"]),
            body=said["body"],
            data=said.get("data", {}),
            classification=classification,
            roles=frozenset(roles),
            requires_ack=said.get("requires_ack", False),
            ack_within=said.get("ack_within"),
            client_id=said.get("client_id"),
        )


class UpdateChange(StrictSerializer):
    """`PATCH /api/updates/{id}`: another audience, either part or both."""

    classification = ClearanceName(required=False)
    roles = serializers.ListField(child=RoleName(), required=False)


class Position(serializers.Serializer[dict[str, Any]]):
    """The `data` of a position. For the schema: the service reads it."""

    lat = serializers.FloatField(min_value=-90, max_value=90, help_text="Degrees north.")
    lon = serializers.FloatField(min_value=-180, max_value=180, help_text="Degrees east.")
    accuracy = serializers.FloatField(min_value=0, required=False, help_text="Metres.")


class NewPosition(NewUpdate):
    """`POST /api/missions/{id}/updates` of kind `position`. For the schema: `data` is required."""

    kind = Choice(choices=[Kind.POSITION.value])
    data = Position()  # type: ignore[assignment]  # the same field, told more exactly


class AnyNewUpdate(NewUpdate):
    """Every kind: what the view reads. The schema shows the two above instead."""

    kind = Choice(choices=KIND_NAMES)


NEW_UPDATE = PolymorphicProxySerializer(
    component_name="AnyNewUpdate",
    serializers=[NewUpdate, NewPosition],
    resource_type_field_name=None,
)


class PageQuery(StrictSerializer):
    """The query string of `GET /api/missions/{id}/updates`."""

    limit = QueryNumber(
        min_value=1,
        max_value=limits.PAGE_MOST,
        default=limits.PAGE_DEFAULT,
        help_text="How many updates at most.",
    )
    after = Text(
        required=False,
        allow_blank=True,
        help_text="The id of an update: what follows it. A bad one gives a snapshot, "
        "`recovered` false.",
    )
    before = Text(
        required=False,
        allow_blank=True,
        help_text="The id of an update: what precedes it, whatever `after` says. A bad one is "
        "answered 409 `reset`.",
    )
    epoch = Text(
        required=False, allow_blank=True, help_text="The epoch that `after` or `before` came with."
    )
    author = Choice(
        choices=["me"], required=False, help_text="`me`: what the caller sent, also unseen."
    )
    awaiting = Choice(
        choices=["me", "others"],
        required=False,
        help_text="The newest that wait, whatever else is asked but `limit`. `me`: for the "
        "caller's acknowledgement. `others`: overdue, for that of others; to author, handlers and "
        "directors.",
    )


class AgentSearch(StrictSerializer):
    """The query string of `GET /api/agents`."""

    search = Text(
        required=False,
        allow_blank=True,
        max_length=64,
        help_text="Part of a codename.",
    )
