"""The system check of the keys: a bad one stops the start with a sentence."""

from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, register
from django.core.exceptions import ImproperlyConfigured

from agents import keys


@register()
def token_keys(app_configs: Sequence[Any] | None, **kwargs: Any) -> list[CheckMessage]:
    """One error when a configured key cannot be used. Makes no key."""
    if not settings.HQ_JWT_PRIVATE_KEY:
        return []
    try:
        keys.verifying_keys()
    except ImproperlyConfigured as problem:
        return [Error(str(problem), id="agents.E001")]
    return []
