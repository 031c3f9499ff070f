"""What HQ answers over REST about accounts: the structs that are sent, and their schema.

The serializers document only; a test holds real answers against the schema made from them.
"""

from typing import Any

from msgspec import UNSET, Struct, UnsetType
from rest_framework import serializers

from agents import errors
from agents.protocol import AgentObject
from agents.roles import Clearance, Role

Shape = serializers.Serializer[Any]


class Pair(Struct, frozen=True, kw_only=True):
    """The answer to a login (with `agent`) or a refresh; no tokens where cookies carry them."""

    access: str | UnsetType = UNSET
    refresh: str | UnsetType = UNSET
    expires_in: int
    agent: AgentObject | UnsetType = UNSET


class TicketObject(Struct, frozen=True):
    """A ticket, and for how many seconds it is good."""

    ticket: str
    expires_in: int


class Agent(Shape):
    """An agent as shown to itself only."""

    id = serializers.UUIDField()
    username = serializers.CharField()
    codename = serializers.CharField()
    role = serializers.ChoiceField(choices=[role.value for role in Role])
    clearance = serializers.ChoiceField(choices=[clearance.wire for clearance in Clearance])


class Refreshed(Shape):
    """A pair of tokens."""

    access = serializers.CharField(required=False, help_text="Not with cookies alone.")
    refresh = serializers.CharField(required=False, help_text="Not with cookies alone.")
    expires_in = serializers.IntegerField(help_text="Seconds of the access token's life.")


class LoggedIn(Refreshed):
    """A pair of tokens and whose they are."""

    agent = Agent()


class Ticket(Shape):
    """A ticket for one WebSocket."""

    ticket = serializers.CharField()
    expires_in = serializers.IntegerField(help_text="Seconds.")


class Key(Shape):
    """A public key (RFC 7517)."""

    kty = serializers.CharField()
    crv = serializers.CharField()
    x = serializers.CharField()
    y = serializers.CharField()
    kid = serializers.CharField(help_text="The RFC 7638 thumbprint.")
    use = serializers.CharField()
    alg = serializers.CharField()


class KeySet(Shape):
    """The public keys of access tokens."""

    keys = Key(many=True)


class AccountError(Shape):
    """Every answer of these calls that says no."""

    code = serializers.ChoiceField(
        choices=[
            error.code
            for error in (
                errors.Invalid,
                errors.CsrfFailed,
                errors.TooLarge,
                errors.UnsupportedMediaType,
                errors.RateLimited,
                errors.Unavailable,
                errors.InvalidCredentials,
                errors.TokenMissing,
                errors.TokenInvalid,
                errors.TokenExpired,
            )
        ]
    )
    message = serializers.CharField(help_text="For people.")
    field = serializers.CharField(required=False, help_text="The part of the input that is meant.")


def answers(success: dict[int, Any], *refusals: int) -> dict[int, Any]:
    """The answers of a call for the schema: what every call may say is added."""
    return {**success, **dict.fromkeys((*refusals, 429, 503), AccountError)}
