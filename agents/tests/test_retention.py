"""What age takes away, and what it leaves."""

import datetime as dt
from uuid import uuid4

from django.utils import timezone

from agents import retention
from agents.models import Connection, Session, Ticket, Worker
from agents.tests.conftest import MakeAgent

NOW = timezone.now()
OLD, YOUNG = NOW - dt.timedelta(days=100), NOW - dt.timedelta(days=10)
BEFORE = NOW - dt.timedelta(days=90)


def test_what_ended_long_ago_is_deleted_and_what_did_not_stays(make_agent: MakeAgent) -> None:
    """Sockets of workers that died are old too; an open session keeps nothing but itself."""
    agent = make_agent()
    later = NOW + dt.timedelta(days=30)
    ended = Session.objects.create(agent=agent, expires_at=later, ended_at=OLD)
    ends = Session.objects.create(agent=agent, expires_at=later, ended_at=YOUNG)
    alive = Session.objects.create(agent=agent, expires_at=later)
    dead = Worker.objects.create(started_at=OLD, lease_until=OLD)
    worker = Worker.objects.create(started_at=OLD, lease_until=later)

    def socket(session: Session, on: Worker, closed_at: dt.datetime | None) -> Connection:
        return Connection.objects.create(
            agent=agent, session=session, worker=on, opened_at=OLD, closed_at=closed_at
        )

    socket(ended, worker, OLD)
    socket(alive, dead, None)
    kept = {socket(alive, worker, None).pk, socket(ends, worker, YOUNG).pk}
    for expires_at in (OLD, YOUNG):
        Ticket.objects.create(
            digest=uuid4().hex, session=alive, access_expires_at=later, expires_at=expires_at
        )
    gone = retention.prune(BEFORE)
    assert gone == {"connections": 2, "workers": 1, "tickets": 1, "sessions": 1}
    assert {one.pk for one in Connection.objects.all()} == kept
    assert {one.pk for one in Session.objects.all()} == {ends.pk, alive.pk}
    assert retention.prune(BEFORE) == dict.fromkeys(gone, 0)
