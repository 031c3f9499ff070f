"""What tests of presence share: sockets that other workers hold, and the rosters of a socket."""

import datetime as dt
import json
from typing import Any

from django.db.models import Model
from django.utils import timezone

from agents import connections, sessions
from agents.models import Agent, Connection, Worker
from agents.tests.wire import Wire
from tests.cast import Member


def made_worker(lease: dt.timedelta = connections.LEASE) -> Worker:
    """A worker somewhere else."""
    now = timezone.now()
    return Worker.objects.create(started_at=now, lease_until=now + lease)


def made_connection(agent: Agent, worker: Worker) -> Connection:
    """An open socket of an agent's on that worker."""
    return Connection.objects.create(
        agent=agent,
        session=sessions.open_session(agent),
        worker=worker,
        opened_at=timezone.now(),
    )


def change(row: Model, **fields: Any) -> None:
    """Writes these fields of a row, past everything."""
    type(row)._default_manager.filter(pk=row.pk).update(**fields)


async def next_roster(wire: Wire) -> list[str]:
    """The codenames of the next `presence`; other frames are passed over."""
    while True:
        message = await wire._next()
        frame = json.loads(message["text"])
        if frame["type"] == "presence":
            return [agent["codename"] for agent in frame["agents"]]


async def roster(wire: Wire, *members: Member) -> None:
    """Until the roster is exactly these."""
    wanted = sorted(member.codename for member in members)
    while await next_roster(wire) != wanted:
        pass
