"""The demo's data, before anybody writes it."""

from missions.demo_log import LOGS, PEOPLE, PLANS


def test_every_name_in_the_log_is_somebody() -> None:
    """Authors, members and acknowledgers are demo agents."""
    known = {person.username for person in PEOPLE}
    named = {name for plan in PLANS for name in plan.members}
    for entries in LOGS.values():
        for entry in entries:
            named |= {entry.author, *entry.acknowledged}
    assert named <= known


def test_every_mission_has_a_log() -> None:
    """And no log is without a mission."""
    assert {plan.codename for plan in PLANS} == LOGS.keys()


def test_nobody_acknowledges_what_asks_for_nothing() -> None:
    """An acknowledged entry says within what time."""
    for entries in LOGS.values():
        assert not [entry for entry in entries if entry.acknowledged and not entry.ack_within]
