"""H1 to H3: handshakes from pages that may not connect."""

import pytest

from tests.attacks.attacker import Attacker, Outcome, settled
from tests.attacks.doors import Good
from tests.attacks.trail import Trail
from tests.hq_server import PARTNER_ORIGIN

ORIGINS = {
    "another site": "https://evil.example",
    "null": "null",
    "other scheme": "https://{host}",
    "other port": "http://127.0.0.1:1",
    "ours as a prefix": "http://{host}.evil.example",
    "ours as a suffix": "http://evil{host}",
    "ours as a subdomain's parent": "http://a.{host}",
    "with a user": "http://{host}@evil.example",
    "with a user at ours": "http://evil@{host}",
    "upper case": "HTTP://{host}",
    "with a path": "http://{host}/",
    "partner's other scheme": PARTNER_ORIGIN.replace("https", "http"),
    "partner's child": PARTNER_ORIGIN.replace("partner", "a.partner"),
    "impossible port": "https://h:99999",
    "broken IPv6": "https://[::1",
    "not a URL": "%%%",
    "two": "http://{host} https://evil.example",
    "8 KB": "https://" + "x" * 8_000,
    "not ASCII": "https://\xe9vil.example",
}


@pytest.mark.parametrize("name", ORIGINS)
async def test_another_origin_is_refused(
    name: str, attacker: Attacker, good: Good, trail: Trail
) -> None:
    """H1, H2: 403 from HQ's own check, whatever credential comes along."""
    host = attacker.server.url.partition("//")[2]
    line = f"Origin: {ORIGINS[name].replace('{host}', host)}"
    for path, *more in (
        ["/missions"],
        [f"/missions?token={good.access}"],
        ["/missions", f"Cookie: jwt={good.access}"],
        ["/missions", f"Authorization: Bearer {good.access}"],
    ):
        with attacker.wire() as wire:
            response = wire.handshake(path, line, *more)
            assert (response.status, b"origin_refused" in response.body) == (403, True)
    assert (await attacker.attempt(token=good.access, origin=attacker.server.origin)).admitted
    trail.owes("origin_refused", "socket", attacker.address, attempts=4)


async def test_a_refused_origin_is_audited(attacker: Attacker, trail: Trail) -> None:
    """H1: once for the address, without what was sent."""
    outcome = await attacker.attempt(origin="https://evil.example")
    assert outcome == Outcome(False, 403, "origin_refused")
    trail.owes("origin_refused", "socket", attacker.address, attempts=1)


async def test_two_origins_are_refused(attacker: Attacker, good: Good, trail: Trail) -> None:
    """H1: even when both are ours."""
    lines = [f"Origin: {attacker.server.origin}"] * 2
    with attacker.wire() as wire:
        assert wire.handshake(f"/missions?token={good.access}", *lines).status == 403
    trail.owes("origin_refused", "socket", attacker.address, attempts=1)


async def test_a_cookie_without_origin_is_no_credential(
    attacker: Attacker, good: Good, trail: Trail
) -> None:
    """H3: nor from a partner's page."""
    cookie = {"Cookie": f"jwt={good.access}"}
    assert await attacker.attempt(headers=cookie) == Outcome(False, 401, "token_missing")
    async with await attacker.open(headers=cookie, origin=PARTNER_ORIGIN) as socket:
        await socket.send({"type": "ping"})
        assert await settled(socket) == Outcome(False, 4001, "token_missing")
    assert (await attacker.attempt(headers=cookie, origin=attacker.server.origin)).admitted
    trail.owes("authn_token_refused", "token_missing", attacker.address, attempts=2)
