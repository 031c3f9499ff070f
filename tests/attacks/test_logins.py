"""R3, R4: passwords guessed, and what the time of an answer tells."""

import asyncio
import contextlib
import random
import statistics
import time
from typing import Any

import httpx
import pytest

from tests.attacks.attacker import Attacker, Outcome, rows
from tests.attacks.authenticator import enrol, totp
from tests.attacks.conftest import PROXY
from tests.attacks.enlist import DISABLED, UNUSABLE, VICTIMS
from tests.attacks.trail import Trail
from tests.cast import ANALYST, HANDLER, PASSWORD
from tests.hq_server import HQServer
from tests.rest_client import Refused, RestClient
from tests.socket_client import SocketClient

TRIES = 200
"""Of each kind."""
WAITS = Outcome(False, 429, "rate_limited")
WRONG = Outcome(False, 401, "invalid_credentials")


async def log_in(
    attacker: Attacker, username: str, password: str = "wrong", **headers: str
) -> Outcome:
    """What a login comes to."""
    who = {"username": username, "password": password, "transport": "body"}
    return await attacker.call("POST", "/api/auth/login", json=who, headers=headers)


def told_apart(times: list[float], others: list[float]) -> float:
    """How often a guess by time alone is right: 0.5 tells nothing (Mann and Whitney's U)."""
    wins = sum((one < other) + (one == other) / 2 for one in times for other in others)
    return float(wins / (len(times) * len(others)))


KINDS = {
    "unknown": "nobody-{}",
    "wrong": VICTIMS["d"].username,
    "disabled": DISABLED.username,
    "unusable": UNUSABLE.username,
}


async def timed(attacker: Attacker) -> dict[str, list[float]]:
    """So many tries of each kind, interleaved, one after the other; all with one answer."""
    times: dict[str, list[float]] = {kind: [] for kind in KINDS}
    answers = set()
    order = [*KINDS] * TRIES
    random.Random(7).shuffle(order)
    for number, kind in enumerate([*KINDS, *order]):  # the first ones warm up
        username = KINDS[kind].format(number)
        who = {"username": username, "password": "wrong", "transport": "body"}
        begun = time.perf_counter()
        answer = await attacker.http.post("/api/auth/login", json=who)
        times[kind].append(time.perf_counter() - begun)
        heads = {name: value for name, value in answer.headers.items() if name != "date"}
        answers.add((answer.status_code, answer.content, str(heads)))
    assert len(answers) == 1
    return {kind: found[1:] for kind, found in times.items()}


async def test_times_tell_nothing(keep: HQServer, address: str, keep_trail: Trail) -> None:
    """R3: 200 tries each, interleaved: the same answer, in times that cannot be told apart.

    With nothing to tell, `told_apart` lies within 0.5 +- 0.03 in two of three runs; 0.15 is five
    times that. A login that skips the hashing is at 1.0.
    """
    async with Attacker(keep, address) as attacker:
        times = await timed(attacker)
    tried = len(KINDS) * (TRIES + 1)
    keep_trail.owes("authn_login_fail", "invalid_credentials", address, attempts=tried)
    medians = {kind: round(statistics.median(found) * 1000, 2) for kind, found in times.items()}
    for kind in ("unknown", "disabled", "unusable"):
        assert 0.35 < told_apart(times[kind], times["wrong"]) < 0.65, (kind, medians)


async def test_every_refusal_hashes(attacker: Attacker, trail: Trail) -> None:
    """R3: with the real hasher, which is nearly all that an answer costs, each kind takes it."""
    assert await log_in(attacker, KINDS["wrong"]) == WRONG  # the first one warms up
    costs: dict[str, float] = {}
    for kind, name in KINDS.items():
        before = attacker.server.processor_time()
        for number in range(4):
            assert await log_in(attacker, name.format(number)) == WRONG
        costs[kind] = attacker.server.processor_time() - before
    for kind, cost in costs.items():
        assert 0.5 < cost / costs["wrong"] < 2, (kind, costs)
    assert (await log_in(attacker, HANDLER.username, PASSWORD)).admitted
    tried = len(KINDS) * 4 + 1
    trail.owes("authn_login_fail", "invalid_credentials", attacker.address, attempts=tried)


@pytest.mark.parametrize("username", [VICTIMS["a"].username, "nobody-at-all"])
async def test_six_guesses_at_an_account(
    username: str, gate: HQServer, besieger: Attacker, gate_trail: Trail
) -> None:
    """R4: account and address as a pair wait after 5, unknown names alike; it ends by itself."""
    for _ in range(5):
        assert await log_in(besieger, username) == WRONG
    assert await log_in(besieger, username) == WAITS
    assert await log_in(besieger, username.upper()) == WAITS
    assert await log_in(besieger, username, PASSWORD) == WAITS
    answer = await besieger.http.post(
        "/api/auth/login", json={"username": username, "password": PASSWORD}
    )
    assert 0 < int(answer.headers["Retry-After"]) <= 900
    # Forged by whoever sends it: nothing changes.
    assert await log_in(besieger, username, **{"X-Forwarded-For": "203.0.113.7"}) == WAITS
    gate_trail.owes("excess_rate_limit_exceeded", "login_pair", besieger.address, attempts=5)
    gate_trail.owes("authn_login_fail", "invalid_credentials", besieger.address)
    forget_for(gate, besieger.address, "-16 minutes")
    right = username == VICTIMS["a"].username
    assert (await log_in(besieger, username, PASSWORD)).admitted is right


def failed_before(server: HQServer, failures: list[tuple[str, str]]) -> None:
    """Most of a flood, by address and name, without waiting for all its hashes."""
    for address, username in failures:
        rows(
            server,
            "INSERT INTO axes_accessfailurelog (user_agent, ip_address, username, http_accept,"
            " path_info, attempt_time, locked_out) VALUES ('', ?, ?, '', '', datetime('now'), 0)",
            address,
            username,
        )


def forget_for(server: HQServer, address: str, moved: str) -> None:
    """Moves the failures of an address into the past."""
    rows(
        server,
        "UPDATE axes_accessfailurelog SET attempt_time = datetime(attempt_time, ?)"
        " WHERE ip_address = ?",
        moved,
        address,
    )


async def test_who_is_in_stays_in(gate: HQServer, besieger: Attacker) -> None:
    """R4: while an account waits, its open sockets and refreshes go on, and other addresses too."""
    victim = VICTIMS["b"]
    async with (
        await RestClient(gate).login(victim) as client,
        await SocketClient.open(gate, client.access, query="missions=none") as socket,
    ):
        for _ in range(5):
            await log_in(besieger, victim.username)
        assert await log_in(besieger, victim.username, PASSWORD) == WAITS
        await client.refresh()
        assert (await socket.ask("ping"))["type"] == "pong"
        assert await client.call("GET", "/api/auth/me")
        await client.login(victim)


async def test_one_password_for_a_hundred_names(
    gate: HQServer, besieger: Attacker, gate_trail: Trail
) -> None:
    """R4: an address waits after 50, whatever the names; another address does not."""
    failed_before(gate, [(besieger.address, f"sprayed-{number}") for number in range(44)])
    tries = [log_in(besieger, f"sprayed-{number}", PASSWORD) for number in range(44, 50)]
    assert set(await asyncio.gather(*tries)) == {WRONG}
    for number in range(50, 60):
        assert await log_in(besieger, f"sprayed-{number}", PASSWORD) == WAITS
    assert await log_in(besieger, HANDLER.username, PASSWORD) == WAITS
    gate_trail.owes("excess_rate_limit_exceeded", "login_address", besieger.address)
    async with Attacker(gate, "127.4.0.2") as neighbour:
        assert (await log_in(neighbour, HANDLER.username, PASSWORD)).admitted


async def test_guesses_at_the_same_instant_count(besieger: Attacker, gate_trail: Trail) -> None:
    """R4: 20 at once are not 20 guesses."""
    tries = [log_in(besieger, "raced") for _ in range(20)]
    outcomes = await asyncio.gather(*tries)
    assert outcomes.count(WRONG) <= 5
    assert outcomes.count(WRONG) + outcomes.count(WAITS) == 20
    gate_trail.owes(
        "authn_login_fail", "invalid_credentials", besieger.address, attempts=outcomes.count(WRONG)
    )
    gate_trail.owes("excess_rate_limit_exceeded", "login_pending", besieger.address)


async def test_logins_at_the_same_instant_are_no_failures(besieger: Attacker) -> None:
    """R4: twelve right logins at once get in, at once or as soon as they are told to come again."""
    who = {"username": VICTIMS["e"].username, "password": PASSWORD, "transport": "body"}

    async def come() -> int:
        for _ in range(12):
            answer = await besieger.http.post("/api/auth/login", json=who)
            if answer.status_code != 429:
                break
            assert int(answer.headers["Retry-After"]) <= 2
            await asyncio.sleep(int(answer.headers["Retry-After"]))
        return int(answer.status_code)

    assert set(await asyncio.gather(*(come() for _ in range(12)))) == {200}


async def test_an_account_under_siege_from_everywhere(gate: HQServer, gate_trail: Trail) -> None:
    """R4: after 100 failures an hour a new address waits, one that was used before does not."""
    async with Attacker(gate, PROXY) as proxy:
        home, elsewhere = "203.0.113.10", "203.0.113.11"

        async def from_address(address: str, password: str) -> Outcome:
            forwarded = {"X-Forwarded-For": f"198.51.100.1, {address}"}
            return await log_in(proxy, ANALYST.username, password, **forwarded)

        assert (await from_address(home, PASSWORD)).admitted
        failed_before(gate, [(f"192.0.2.{number}", ANALYST.username) for number in range(97)])
        for number in range(3):
            assert await from_address(f"203.0.113.{100 + number}", "wrong") == WRONG
        assert await from_address(elsewhere, PASSWORD) == WAITS
        assert await from_address(home, "wrong") == WRONG
        assert (await from_address(home, PASSWORD)).admitted
    gate_trail.owes("excess_rate_limit_exceeded", "login_account", elsewhere, attempts=1)
    gate_trail.owes("authn_login_fail", "invalid_credentials", home, attempts=1)
    rows(gate, "DELETE FROM axes_accessfailurelog WHERE username = ?", ANALYST.username)


async def test_wrong_codes_are_guesses_too(
    gate: HQServer, besieger: Attacker, gate_trail: Trail
) -> None:
    """R4: a right password without a right code clears nothing; no code works twice."""
    victim = VICTIMS["c"]
    async with await RestClient(gate).login(victim) as client:
        enrolled = await enrol(client)
        code, recovery = enrolled["code"], enrolled["recovery_codes"]

    async def with_code(otp: str | None) -> Any:
        who = {"username": victim.username, "password": PASSWORD, "transport": "body"}
        said = who if otp is None else {**who, "otp": otp}
        return await besieger.call("POST", "/api/auth/login", json=said)

    needs = Outcome(False, 401, "otp_required")
    assert await log_in(besieger, victim.username) == WRONG
    assert await with_code(None) == needs
    assert await with_code("000000") == needs
    assert await with_code(code) == needs
    assert (await with_code(recovery[0])).admitted
    assert await with_code(recovery[0]) == needs
    for _ in range(4):
        assert await with_code(None) == needs
    assert await with_code(recovery[1]) == WAITS
    gate_trail.owes("authn_login_fail", "otp_required", besieger.address)
    gate_trail.owes("authn_login_fail", "otp_wrong", besieger.address, attempts=3)
    await gate_trail.expect("mfa_recovery_code_used", subject=client.agent["id"])


async def test_a_first_code_is_guessed_five_times(attacker: Attacker, trail: Trail) -> None:
    """R4: then the enrolment is void, for the right code too, and it takes the password again."""
    async with await RestClient(attacker.server).login(VICTIMS["v"]) as owner:
        begun = await owner.call("POST", "/api/auth/otp/enrol", {"password": PASSWORD})
        key = {"Authorization": f"Bearer {owner.access}"}

        async def guess(code: str) -> Outcome:
            path = "/api/auth/otp/confirm"
            return await attacker.call("POST", path, json={"otp": code}, headers=key)

        near = {totp(begun["secret"], ahead) for ahead in range(-2, 4)}
        wrong = next(code for code in map("{:06d}".format, range(10)) if code not in near)
        for _ in range(5):
            assert await guess(wrong) == Outcome(False, 400, "invalid")
        void = Outcome(False, 409, "conflict")
        assert [await guess(code) for code in (wrong, totp(begun["secret"]))] == [void] * 2
    trail.owes("mfa_enrol_fail", "otp_wrong", attacker.address)
    trail.owes("mfa_enrol_fail", "otp_wrong_too_often", attacker.address)


async def test_no_login_outlives_the_password_that_it_was_made_with(fort: HQServer) -> None:
    """R4: of logins that are being verified while the password changes, none keeps its session."""
    victim, kept = VICTIMS["u"], []

    async def old_password() -> None:
        async with RestClient(fort) as client:
            client.http.timeout = httpx.Timeout(60)
            with contextlib.suppress(Refused):
                await client.login(victim)
                kept.append(client.access)

    async with await RestClient(fort).login(victim) as owner, asyncio.TaskGroup() as logins:
        owner.http.timeout = httpx.Timeout(60)
        change = {"current_password": PASSWORD, "new_password": "another-horse-entirely-77"}
        changing = logins.create_task(owner.call("POST", "/api/auth/password", change))
        for _ in range(6):
            await asyncio.wait([changing], timeout=0.15)
            logins.create_task(old_password())
    async with RestClient(fort) as client:
        for client.access in kept:
            with pytest.raises(Refused) as refused:
                await client.call("GET", "/api/auth/me")
            assert refused.value.code == "token_invalid"
        await client.login(victim, "another-horse-entirely-77")
