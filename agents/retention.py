"""What leaves the database by age: connections, the workers that held them, tickets, sessions.

Nobody needs any of it: an old session's end is in the security log, which is kept. Called
by the command `prune`.
"""

import datetime as dt

from django.db.models import Model, Q, QuerySet

from agents.models import Connection, Session, Ticket, Worker

CHUNK = 500


def prune(before: dt.datetime) -> dict[str, int]:
    """Deletes what ended before that time; how much of each."""
    over = Q(ended_at__lt=before) | Q(expires_at__lt=before) | Q(refresh_expires_at__lt=before)
    lost = Q(closed_at__isnull=True, worker__lease_until__lt=before)
    return {
        "connections": _delete(Connection.objects.filter(Q(closed_at__lt=before) | lost)),
        "workers": _delete(Worker.objects.filter(lease_until__lt=before, connections=None)),
        "tickets": _delete(Ticket.objects.filter(expires_at__lt=before)),
        "sessions": _delete(Session.objects.filter(over, connections=None)),
    }


def _delete(rows: QuerySet[Model]) -> int:
    """Deletes them a few at a time."""
    deleted = 0
    while keys := list(rows.order_by("pk").values_list("pk", flat=True)[:CHUNK]):
        rows.model._default_manager.filter(pk__in=keys).delete()
        deleted += len(keys)
    return deleted
