"""Whether the process lives, and whether it should be sent anything.

Asked by load balancers and supervisors, without a credential; says nothing about the installation
but up or down.
"""

import logging

from django.db import DatabaseError, connection
from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from agents import live, watch

logger = logging.getLogger(__name__)


@never_cache
@require_safe
def healthz(request: HttpRequest) -> JsonResponse:
    """200 while the process answers at all: restart it when it does not."""
    return JsonResponse({"status": "ok"})


@never_cache
@require_safe
def readyz(request: HttpRequest) -> JsonResponse:
    """200 when the database answers, the layer is heard and healing keeps up, else 503."""
    parts = {
        "database": database_answers(),
        "live": live.healthy(),
        "healing": not watch.lagging(),
    }
    status = 200 if all(parts.values()) else 503
    return JsonResponse({part: "ok" if up else "down" for part, up in parts.items()}, status=status)


def database_answers() -> bool:
    """Whether a query works now."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError as error:
        logger.warning("The database does not answer: %s.", type(error).__name__)
        return False
    return True
