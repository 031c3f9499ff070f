"""What HQ answers over REST about accounts: the structs that are sent, and their schema.

The serializers document only; a test holds real answers against the schema made from them.
"""

from typing import Any

from msgspec import UNSET, Struct, UnsetType
from rest_framework import serializers

from agents import errors, models
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


class ConnectionObject(Struct, frozen=True):
    """An open WebSocket of a session."""

    id: str
    address: str | None
    user_agent: str
    opened_at: str


class SessionObject(Struct, frozen=True):
    """A standing session as shown to its agent. `current`: the one that asks."""

    id: str
    kind: str
    name: str
    current: bool
    address: str | None
    user_agent: str
    created_at: str
    refreshed_at: str
    expires_at: str
    connections: list[ConnectionObject]


class FactorObject(Struct, frozen=True):
    """Whether a second factor is in force, and how many recovery codes are left."""

    enrolled: bool
    recovery_codes: int


class SecretObject(Struct, frozen=True):
    """A TOTP secret that is not in force yet."""

    secret: str
    uri: str


class RecoveryCodesObject(Struct, frozen=True):
    """Recovery codes, shown this once."""

    recovery_codes: list[str]


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


class Connection(Shape):
    """An open WebSocket of a session."""

    id = serializers.UUIDField()
    address = serializers.CharField(allow_null=True)
    user_agent = serializers.CharField()
    opened_at = serializers.DateTimeField()


class Session(Shape):
    """A session of the caller's that stands."""

    id = serializers.UUIDField()
    kind = serializers.ChoiceField(choices=models.Session.Kind.values)
    name = serializers.CharField(help_text="Of a service token.")
    current = serializers.BooleanField(help_text="Whether this call came by it.")
    address = serializers.CharField(allow_null=True)
    user_agent = serializers.CharField()
    created_at = serializers.DateTimeField()
    refreshed_at = serializers.DateTimeField()
    expires_at = serializers.DateTimeField()
    connections = Connection(many=True)


class Factor(Shape):
    """The caller's second factor."""

    enrolled = serializers.BooleanField(help_text="Whether logging in takes a code.")
    recovery_codes = serializers.IntegerField(help_text="How many were not used yet.")


class Secret(Shape):
    """A TOTP secret that is in force once `otp/confirm` has seen a code of it."""

    secret = serializers.CharField(help_text="Base32.")
    uri = serializers.CharField(help_text="`otpauth:`, for a QR code.")


class RecoveryCodes(Shape):
    """Recovery codes: each works once. They are shown this once."""

    recovery_codes = serializers.ListField(child=serializers.CharField())


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
                errors.NotFound,
                errors.Forbidden,
                errors.CsrfFailed,
                errors.Conflict,
                errors.TooLarge,
                errors.UnsupportedMediaType,
                errors.RateLimited,
                errors.Unavailable,
                errors.InvalidCredentials,
                errors.OtpRequired,
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
