"""T1 to T8, T14: bad tokens through every carrier that can hold them."""

import contextlib
import socket
import threading
import time
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.attacks import catalogue
from tests.attacks.attacker import Attacker, Outcome
from tests.attacks.doors import DOORS, TICKET_DOORS, Door, Good
from tests.attacks.forging import Forge
from tests.attacks.trail import Trail
from tests.hq_server import HQServer
from tests.rest_client import RestClient


class Listener:
    """A web server that no token may lead HQ to."""

    def __init__(self) -> None:
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        self.visited = threading.Event()
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        with contextlib.suppress(OSError):
            self._socket.accept()[0].close()
            self.visited.set()

    def close(self) -> None:
        """Ends it."""
        self._socket.close()


@pytest.fixture(scope="module")
def listener() -> Iterator[Listener]:
    """One for all tokens with addresses in them."""
    opened = Listener()
    yield opened
    opened.close()


def expected_codes(name: str, token: str) -> set[str]:
    """What may be said to it: only age is told apart, and that nothing came."""
    if not token:
        return {"token_missing", "token_invalid"}
    return {"token_expired" if name.startswith(catalogue.EXPIRED) else "token_invalid"}


async def assert_refused(attacker: Attacker, good: Good, door: Door, bad: dict[str, str]) -> None:
    """Each is refused in the one way of that door; then a good token opens it."""
    tried = {name: token for name, token in bad.items() if door.holds(token)}
    assert tried
    for name, token in tried.items():
        outcome = await door.knock(attacker, good, token)
        assert not outcome.admitted, name
        assert outcome.status in (401, 4001), (name, outcome)
        assert outcome.code in expected_codes(name, token), (name, outcome)
    await assert_persistence(attacker, good, door)


async def assert_persistence(attacker: Attacker, good: Good, door: Door) -> None:
    """A good token still works."""
    outcome = await door.knock(attacker, good, getattr(good, door.opened_by))
    assert outcome.admitted, outcome


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("row", catalogue.ROWS)
async def test_a_bad_token_is_refused_at_every_door(
    row: str, door: str, attacker: Attacker, good: Good, trail: Trail
) -> None:
    """T1, T2, T4, T5, T6, T7: one refusal for all, but that age alone is told."""
    way = DOORS[door]
    forge = Forge(getattr(good, way.opened_by))
    await assert_refused(attacker, good, way, catalogue.ROWS[row](forge))
    trail.owes("authn_token_refused", "token_invalid", attacker.address)
    if row == "T5":
        trail.owes("authn_token_refused", "token_expired", attacker.address)


@pytest.mark.parametrize("door", DOORS)
async def test_a_header_cannot_lead_anywhere(
    door: str, attacker: Attacker, good: Good, listener: Listener, trail: Trail
) -> None:
    """T3: keys in the token, addresses of keys, odd key ids, unknown `crit`: nothing is fetched."""
    way = DOORS[door]
    forge = Forge(getattr(good, way.opened_by))
    await assert_refused(attacker, good, way, catalogue.headers(forge, listener.url))
    assert not listener.visited.is_set()
    trail.owes("authn_token_refused", "token_invalid", attacker.address)


@settings(
    max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(door=st.sampled_from([*DOORS]), at=st.integers(0, 63), bit=st.integers(0, 7))
async def test_no_bit_of_a_signature_may_change(
    door: str, at: int, bit: int, attacker: Attacker, good: Good, trail: Trail
) -> None:
    """T4: any bit of any byte, the other way round, through any carrier."""
    way = DOORS[door]
    forge = Forge(getattr(good, way.opened_by))
    outcome = await way.knock(attacker, good, forge.flipped(at, bit))
    assert (outcome.admitted, outcome.code) == (False, "token_invalid")
    assert outcome.status in (401, 4001)
    await assert_persistence(attacker, good, way)
    if not trail.owed or trail.owed[-1].address != attacker.address:
        trail.owes("authn_token_refused", "token_invalid", attacker.address)


@pytest.mark.parametrize("door", DOORS)
async def test_a_clock_a_little_ahead_is_no_crime(
    door: str, attacker: Attacker, good: Good
) -> None:
    """T6: issued 3 s ahead of HQ's clock is within the leeway."""
    way, now = DOORS[door], int(time.time())
    forge = Forge(getattr(good, way.opened_by))
    ahead = forge.claiming(iat=now + 3, nbf=now + 3, exp=now + 600)
    assert (await way.knock(attacker, good, ahead)).admitted


@pytest.mark.parametrize("door", DOORS)
async def test_a_credential_is_good_in_its_own_place_alone(
    door: str, fort: HQServer, attacker: Attacker, good: Good, trail: Trail
) -> None:
    """T8: refresh used as access, access at refresh, a ticket sent as a token."""
    way = DOORS[door]
    other = good.refresh if way.opened_by == "access" else good.access
    async with RestClient(fort) as client:
        client.access = good.access
        ticket = await client.ticket()
    if door == "bare sub-protocol":  # a ticket looks like no token and is not taken for one
        ticket = "."
    await assert_refused(attacker, good, way, {"of the other kind": other, "a ticket": ticket})
    trail.owes("authn_token_refused", "token_invalid", attacker.address)


@pytest.mark.parametrize("door", TICKET_DOORS)
async def test_only_a_ticket_is_a_ticket(
    door: str, attacker: Attacker, good: Good, trail: Trail
) -> None:
    """T8: a token sent as a ticket, and T1's shapes of nothing."""
    way = TICKET_DOORS[door]
    bad = {"access": good.access, "refresh": good.refresh} | {
        name: token
        for name, token in catalogue.shapeless(Forge(good.access)).items()
        if way.holds(token)
    }
    for name, token in bad.items():
        outcome = await way.knock(attacker, good, token)
        assert outcome.status in (401, 4001), name
        assert outcome.code in {"token_invalid", "token_missing"}, name
    async with RestClient(attacker.server) as client:
        client.access = good.access
        assert (await way.knock(attacker, good, await client.ticket())).admitted
    trail.owes("authn_token_refused", "token_invalid", attacker.address)


@pytest.mark.parametrize("size", [5_000, 64_000, 1_000_000])
@pytest.mark.parametrize("door", DOORS)
async def test_a_huge_token_is_not_read(
    door: str, size: int, attacker: Attacker, good: Good, trail: Trail
) -> None:
    """T14: refused for its length alone; a head over 16 KiB is 431, a frame over 128 KiB 1009."""
    way = DOORS[door]
    forge = Forge(getattr(good, way.opened_by))
    huge = forge.claiming(padding="x" * size)
    in_head = way.longest < 100_000
    try:
        outcome = await way.knock(attacker, good, huge)
    except AssertionError:
        # No `auth_failed` where the frame itself was too large to be read.
        assert not in_head
        assert size == 1_000_000
        if way.on_open_socket:
            await trail.expect("ws_close", address=attacker.address, code=1009)
        else:
            trail.owes("input_validation_fail", "frames", attacker.address)
    else:
        assert not outcome.admitted
        if in_head and size > 16_384:
            assert outcome == Outcome(False, 431, "too_large")
            trail.owes("input_validation_fail", "http 431", attacker.address)
        else:
            assert outcome.status in (401, 4001)
            assert outcome.code == "token_invalid"
            trail.owes("authn_token_refused", "token_invalid", attacker.address)
    await assert_persistence(attacker, good, way)
