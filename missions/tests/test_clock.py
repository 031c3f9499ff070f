"""The clock by which updates are dated: the database's, read under the lock."""

import datetime as dt

import pytest
from django.db import connection, transaction

from agents.models import Agent
from agents.roles import Clearance, Role
from missions import services
from missions.clock import LockedAt
from missions.models import Mission

pytestmark = pytest.mark.django_db


def test_time_goes_on_within_a_transaction(db: None) -> None:
    """Two reads of one transaction are two moments, in order, and close to this machine's."""
    director = Agent.objects.create_user(
        "dee", codename="Dee", role=Role.DIRECTOR.value, clearance=Clearance.TOP_SECRET
    )
    services.create_mission(director, "Test", "", Clearance.RESTRICTED)
    with transaction.atomic():
        first, second = (
            Mission.objects.annotate(at=LockedAt()).values_list("at", flat=True).get()
            for _ in range(2)
        )
    assert first < second or (connection.vendor == "sqlite" and first <= second)
    assert abs(second - dt.datetime.now(dt.UTC)) < dt.timedelta(minutes=1)
