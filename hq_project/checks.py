"""System checks that turn bad configuration into sentences and stop the start."""

from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, register


@register()
def configuration(app_configs: Sequence[Any] | None, **kwargs: Any) -> list[CheckMessage]:
    """One error for each variable that HQ cannot start with."""
    return [
        Error(problem, id=f"hq.E{number:03d}")
        for number, problem in enumerate(settings.HQ_PROBLEMS, start=1)
    ]
