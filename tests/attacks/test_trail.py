"""The audit log after all attacks: each left its row, folded, and none left a secret."""

import datetime as dt
import re
from collections import defaultdict

import pytest

from tests.attacks.attacker import rows
from tests.attacks.test_traces import bodies
from tests.attacks.trail import Owed, Row, Trail, eventually
from tests.cast import PASSWORD
from tests.hq_server import HQServer
from tests.rest_client import RestClient

TRAILS = ["trail", "gate_trail", "keep_trail"]
FOLD = dt.timedelta(seconds=9.9)
"""Refusals of one kind are counted for ten seconds; a little less, for two clocks are read."""

WORKERS = {"trail": 2, "gate_trail": 1, "keep_trail": 1}
"""Each worker counts for itself."""


@pytest.fixture(params=TRAILS)
async def settled(request: pytest.FixtureRequest) -> tuple[Trail, list[Row], int]:
    """A server's log once all that tests owe is there, and how many workers it has."""
    trail: Trail = request.getfixturevalue(request.param)

    def missing() -> list[Owed]:
        events = trail.rows()
        return [owed for owed in trail.owed if not owed.paid(events)]

    await eventually(lambda: not missing(), "what tests owe", missing)
    return trail, trail.rows(), WORKERS[request.param]


def test_every_attack_left_its_row(settled: tuple[Trail, list[Row], int]) -> None:
    """By the address it came from, with its reason, counted; a folded row is there in seconds."""
    trail, events, _ = settled
    for owed in trail.owed:
        counts = [row.details["count"] for row in owed.rows(events)]
        assert counts, owed
        assert all(count >= 1 for count in counts), owed


def test_a_flood_of_refusals_costs_few_rows(settled: tuple[Trail, list[Row], int]) -> None:
    """Each attempt is counted once, in one row a worker for address, agent, reason and 10 s."""
    trail, events, workers = settled
    times: dict[tuple[str, str | None, str | None, str], list[dt.datetime]] = defaultdict(list)
    for row in events:
        if "count" in row.details:
            kind = (row.event, row.address, row.subject, row.details["reason"])
            times[kind].append(row.at)
    assert times or not trail.owed
    for kind, begun in times.items():
        begun.sort()
        for first, later in zip(begun, begun[workers:], strict=False):
            assert later - first >= FOLD, kind
    for owed in trail.owed:
        if owed.attempts is not None:
            found = owed.rows(events)
            assert sum(row.details["count"] for row in found) == owed.attempts, owed
            kinds = {(row.subject, row.details["reason"]) for row in found}
            lasted = max(row.at for row in found) - min(row.at for row in found)
            assert len(found) <= workers * len(kinds) * (lasted // FOLD + 1), owed


async def test_the_log_holds_no_secret(
    fort: HQServer, gate: HQServer, keep: HQServer, director: RestClient
) -> None:
    """No token, ticket or password, whatever was sent where, and nothing said in a mission."""
    mission = await director.create_mission("Quiet", objective="written down nowhere else")
    update = await director.publish(mission, "said in this mission and in no log")
    await director.call("DELETE", f"/api/updates/{update['id']}")
    assert bodies(fort.log.parent) & {"written down nowhere else", update["body"]}
    for server in (fort, gate, keep):
        said = str(rows(server, "SELECT event, details, address FROM agents_auditevent"))
        assert "eyJ" not in said
        assert PASSWORD not in said
        assert not [ticket for ticket in RestClient.tickets if ticket in said]
        assert not [body for body in bodies(server.log.parent) if body in said]


async def test_no_attack_left_a_traceback(fort: HQServer, gate: HQServer, keep: HQServer) -> None:
    """Nothing that a client sent failed inside HQ, and all servers are ready for more."""
    for server in (fort, gate, keep):
        said = server.log.read_text(encoding="utf-8")
        assert "Traceback" not in said
        assert '"exception"' not in said
        assert not re.search(r"code(=|\": )1011", said)
        async with RestClient(server) as client:
            await client.call("GET", "/readyz")
