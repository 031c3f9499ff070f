"""What HQ answers over REST about missions, as the schema shows it.

Documents only: answers are built by `missions.history` and `missions.protocol`. A test holds real
answers against the schema made from these, so that the two cannot drift apart.
"""

from typing import Any

from rest_framework import serializers

from agents.errors import HQError
from missions import errors  # noqa: F401  (puts the codes of missions into the tree)
from missions.api.fields import CLEARANCE_NAMES, KIND_NAMES, ROLE_NAMES, STATUS_NAMES

Shape = serializers.Serializer[Any]


def codes_of(error: type[HQError]) -> list[str]:
    """The codes of an error and of all below it in the tree, in order of their names."""
    own = {error.code} if "code" in vars(error) else set()
    return sorted(own.union(*(codes_of(below) for below in error.__subclasses__())))


class Error(Shape):
    """Every answer that says no."""

    code = serializers.ChoiceField(choices=codes_of(HQError))
    message = serializers.CharField(help_text="For people.")
    field = serializers.CharField(required=False, help_text="The part of the input that is meant.")


class AgentName(Shape):
    """An agent as shown to others."""

    codename = serializers.CharField()
    role = serializers.ChoiceField(choices=ROLE_NAMES)


class Candidate(AgentName):
    """An agent as shown to who staffs missions."""

    id = serializers.UUIDField()


class Member(AgentName):
    """A member of a mission; the id is shown to handlers and directors alone."""

    id = serializers.UUIDField(required=False)


class Mission(Shape):
    """A mission as everybody who sees it sees it."""

    id = serializers.UUIDField()
    codename = serializers.CharField()
    objective = serializers.CharField()
    status = serializers.ChoiceField(choices=STATUS_NAMES)
    classification = serializers.ChoiceField(choices=CLEARANCE_NAMES)


class Update(Shape):
    """One entry of a mission's log; the author as written."""

    id = serializers.UUIDField()
    kind = serializers.ChoiceField(choices=KIND_NAMES)
    body = serializers.CharField()
    data = serializers.DictField()  # type: ignore[assignment]  # the wire's name
    author = AgentName()
    classification = serializers.ChoiceField(choices=CLEARANCE_NAMES)
    roles = serializers.ListField(
        child=serializers.ChoiceField(choices=ROLE_NAMES), help_text="Empty: every role."
    )
    requires_ack = serializers.BooleanField()
    ack_within = serializers.IntegerField(allow_null=True, help_text="Seconds.")
    created_at = serializers.DateTimeField()


class PublishedUpdate(Update):
    """The update, and the `client_id` that it was sent with."""

    client_id = serializers.CharField(allow_null=True)


class NumberedUpdate(Shape):
    """An update with its number in the caller's stream; null where the stream lacks it."""

    seq = serializers.IntegerField(allow_null=True)
    update = Update()  # type: ignore[assignment]  # the wire's name


class Page(Shape):
    """Part of a mission's log, ascending; `seq` is the newest number of the caller's stream."""

    mission = serializers.UUIDField()
    epoch = serializers.CharField()
    seq = serializers.IntegerField()
    recovered = serializers.BooleanField()
    updates = NumberedUpdate(many=True)
    acknowledged = serializers.ListField(
        child=serializers.UUIDField(),
        help_text="The ids of these that the caller has acknowledged.",
    )


class Receipt(Shape):
    """Whether an agent who has to has acknowledged, and when."""

    agent = AgentName()
    at = serializers.DateTimeField(allow_null=True)
