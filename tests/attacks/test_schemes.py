"""T16: how a token is presented, wherever there is a scheme in front of it."""

from collections.abc import Awaitable, Callable
from urllib.parse import quote

import pytest

from tests.attacks.attacker import Attacker, Outcome, settled
from tests.attacks.doors import DOORS, Good
from tests.attacks.trail import Trail

SAID = {
    "Bearer {}": True,
    "bearer {}": True,
    "BEARER  {}": True,
    "Token {}": False,
    "Bearer Bearer {}": False,
    "Bearer {} {}": False,
    "Bearer {}, Bearer {}": False,
    "Basic {}": False,
    "Bearer": False,
    "": False,
    "{}": False,
}
"""Whether it is good. A query may leave the scheme away."""


async def over_rest(attacker: Attacker, said: str) -> Outcome:
    """The header of a call."""
    return await attacker.call("GET", "/api/auth/me", headers={"Authorization": said})


async def in_a_handshake(attacker: Attacker, said: str) -> Outcome:
    """The header of a handshake."""
    return await attacker.attempt(headers={"Authorization": said})


async def in_the_query(attacker: Attacker, said: str) -> Outcome:
    """`?authorization=`."""
    return await attacker.attempt(query=f"authorization={quote(said)}")


async def in_the_first_text(attacker: Attacker, said: str) -> Outcome:
    """The header as the first message."""
    async with await attacker.open(subprotocols=["hq.v1"]) as socket:
        await socket.send(f"Authorization: {said}")
        return await settled(socket)


PLACES: list[Callable[[Attacker, str], Awaitable[Outcome]]] = [
    over_rest,
    in_a_handshake,
    in_the_query,
    in_the_first_text,
]


@pytest.mark.parametrize("place", PLACES)
async def test_the_scheme_is_bearer_once(
    place: Callable[[Attacker, str], Awaitable[Outcome]],
    attacker: Attacker,
    good: Good,
    trail: Trail,
) -> None:
    """T16: in any case, once; in both headers, in the query, and in the first message."""
    for said, admitted in SAID.items():
        outcome = await place(attacker, said.replace("{}", good.access))
        if admitted or (place is in_the_query and said == "{}"):
            assert outcome.admitted, said
        else:
            code = "token_missing" if place is in_the_query and not said else "token_invalid"
            assert (outcome.admitted, outcome.code) == (False, code), said
    trail.owes("authn_token_refused", "token_invalid", attacker.address)


async def test_two_authorization_headers_are_refused(
    attacker: Attacker, good: Good, trail: Trail
) -> None:
    """T16: even when both are good; and two parameters alike."""
    twice = [("Authorization", f"Bearer {good.access}")] * 2
    over = await attacker.call("GET", "/api/auth/me", headers=twice)
    assert over == Outcome(False, 401, "token_invalid")
    lines = [f"Authorization: Bearer {good.access}"] * 2
    with attacker.wire() as wire:
        assert wire.handshake("/missions", *lines).status == 401
    query = f"authorization={good.access}&authorization={good.access}"
    assert await attacker.attempt(query=query) == Outcome(False, 401, "token_invalid")
    for door in ("REST header", "header", "query authorization"):
        assert (await DOORS[door].knock(attacker, good, good.access)).admitted
    trail.owes("authn_token_refused", "token_invalid", attacker.address)
