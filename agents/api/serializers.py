"""What clients send about accounts, and the strictness that every body of HQ is read with.

Owns syntax alone: types, lengths, names, and that nothing unknown is there.
"""

from collections.abc import Mapping
from typing import Any

from rest_framework import serializers

from agents.accounts import PASSWORD_LENGTH

OTP_LENGTH = 64
OTP_SAID = "From the authenticator, or a recovery code; where a second factor is set."


class StrictSerializer(serializers.Serializer[Any]):
    """Refuses fields that it does not know, and those that only the server writes."""

    def to_internal_value(self, data: Any) -> Any:
        """The validated fields; a `ValidationError` that names the first unknown one."""
        if isinstance(data, Mapping):
            known = {name for name, field in self.fields.items() if not field.read_only}
            for name in data:
                if name not in known:
                    raise serializers.ValidationError({name: ["This field is not known."]})
        return super().to_internal_value(data)


class Text(serializers.CharField):
    """A JSON string, kept as written: a number is no text, spaces are not trimmed."""

    def __init__(self, **options: Any) -> None:
        super().__init__(trim_whitespace=False, **options)

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        return data


class TransportField(serializers.ChoiceField):
    """How tokens are to come: in the body, in cookies, or both."""

    def to_internal_value(self, data: Any) -> Any:
        if not isinstance(data, str):
            self.fail("invalid_choice", input=type(data).__name__)
        return super().to_internal_value(data)


class LoginBody(StrictSerializer):
    """`POST /api/auth/login`."""

    username = Text(max_length=64)
    password = Text(max_length=PASSWORD_LENGTH)
    otp = Text(max_length=OTP_LENGTH, required=False, help_text=OTP_SAID)
    transport = TransportField(
        choices=["both", "cookie", "body"],
        default="both",
        help_text="`cookie`: no tokens in the body. `body`: no cookies.",
    )


class PasswordBody(StrictSerializer):
    """`POST /api/auth/password`."""

    current_password = Text(max_length=PASSWORD_LENGTH)
    new_password = Text(max_length=PASSWORD_LENGTH)
    otp = Text(max_length=OTP_LENGTH, required=False, help_text=OTP_SAID)


class EnrolBody(StrictSerializer):
    """`POST /api/auth/otp/enrol`."""

    password = Text(max_length=PASSWORD_LENGTH)


class ConfirmBody(StrictSerializer):
    """`POST /api/auth/otp/confirm`."""

    otp = Text(max_length=OTP_LENGTH, help_text="What the authenticator shows now.")


class DisableBody(StrictSerializer):
    """`DELETE /api/auth/otp`."""

    password = Text(max_length=PASSWORD_LENGTH)
    otp = Text(max_length=OTP_LENGTH, help_text=OTP_SAID)


class PictureBody(StrictSerializer):
    """`POST /api/auth/otp/picture`."""

    uri = Text(max_length=512, help_text="What `otp/enrol` answered.")

    def validate_uri(self, uri: str) -> str:
        """An `otpauth:` URI: HQ paints nothing else."""
        if not uri.startswith("otpauth://totp/"):
            raise serializers.ValidationError("This is no otpauth URI.")
        return uri


class RefreshBody(StrictSerializer):
    """`POST /api/auth/refresh` and `logout`: without `refresh` the cookie counts."""

    refresh = Text(required=False, allow_blank=True)


class NoBody(StrictSerializer):
    """A call without content: no body, or `{}`."""
