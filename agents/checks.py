"""The system check of the keys: a bad one stops the start with a sentence."""

from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, register
from django.core.exceptions import ImproperlyConfigured

from agents import keyfolder, keys


@register()
def token_keys(app_configs: Sequence[Any] | None, **kwargs: Any) -> list[CheckMessage]:
    """One error when a key that HQ would use cannot be used. Makes no key."""
    try:
        if settings.HQ_JWT_PRIVATE_KEY or keyfolder.stored():
            keys.verifying_keys()
            keys.signing_key()
    except OSError:
        return [Error("HQ_VAR_DIR/keys cannot be read.", id="agents.E001")]
    except ImproperlyConfigured as problem:
        return [Error(str(problem), id="agents.E001")]
    return []
