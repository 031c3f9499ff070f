"""T13: what a token says of its agent's rights decides nothing."""

import asyncio

import pytest

from tests.attacks.attacker import Attacker
from tests.attacks.doors import DOORS, Good
from tests.attacks.enlist import VICTIMS
from tests.attacks.forging import Forge
from tests.attacks.trail import Trail
from tests.hq_server import HQServer
from tests.rest_client import Refused, RestClient

WISHED = {"role": "director", "clearance": "top-secret"}


async def test_rights_are_those_of_the_database(
    fort: HQServer, attacker: Attacker, trail: Trail, director: RestClient
) -> None:
    """T13: a well signed token that promises more opens every door, and no more behind it."""
    async with await RestClient(fort, attacker.address).login(VICTIMS["a"]) as client:
        standing = Good(client.access, client.refresh_token)
        for door, way in DOORS.items():
            wished = Forge(getattr(standing, way.opened_by)).claiming(**WISHED)
            outcome = await way.knock(attacker, standing, wished)
            assert outcome.admitted, door
            told = None if way.on_open_socket else ("field-operative", "restricted")
            assert outcome.rights == told, door
        client.access = Forge(standing.access).claiming(**WISHED)
        with pytest.raises(Refused) as refused:
            await client.create_mission("Coup")
        assert (refused.value.status, refused.value.code) == (403, "forbidden")
        mission = await director.create_mission("Of Others")
        await director.add(mission, client)
        async with await attacker.open(standing.access) as socket:
            for carried in ({"token": client.access}, {}):
                assert (await socket.ask("refresh", token=client.access))["type"] == "refreshed"
                order = {"mission": mission, "kind": "order", "body": "Obey.", **carried}
                assert (await socket.ask("publish", **order))["code"] == "forbidden"
    trail.owes("authz_fail", "forbidden POST /api/missions", attacker.address)
    trail.owes("authz_fail", "forbidden publish", attacker.address, actor=client.agent["id"])


async def test_rights_that_changed_since_count_at_every_door(
    fort: HQServer, attacker: Attacker
) -> None:
    """T13: a token of before says less than the database, which decides."""
    victim = VICTIMS["n"]
    async with await RestClient(fort).login(victim) as client:
        standing = Good(client.access, client.refresh_token)
        more = ("--role", "handler", "--clearance", "secret")
        await asyncio.to_thread(fort.manage, "set_access", victim.username, *more)
        assert await client.create_mission("Promoted")
        for door, way in DOORS.items():
            outcome = await way.knock(attacker, standing, getattr(standing, way.opened_by))
            assert outcome.admitted, door
            assert outcome.rights == (None if way.on_open_socket else ("handler", "secret")), door
