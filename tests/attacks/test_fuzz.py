"""Hostile bytes in bounded number; `python -m benchmarks fuzz --minutes 10` goes on longer."""

import contextlib
import time
from collections.abc import Callable

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agents import protocol as authentication
from agents.errors import OriginRefused
from agents.sockets.credentials import read_handshake
from missions.protocol import command_decoder
from tests.attacks.attacker import Attacker
from tests.attacks.enlist import VICTIMS
from tests.attacks.siege import besiege, failures, memory
from tests.hq_server import HQServer
from tests.rest_client import RestClient

ATTACKERS = 12
SECONDS = 30.0
"""Of rounds of four handshakes and a socket each; all of it twice."""

BOUNDED = settings(
    max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


async def test_hostile_bytes_harm_nothing(keep: HQServer, address: str) -> None:
    """Handshakes and frames gone wrong: no 5xx, no 1011, no traceback, memory flat."""
    begun = len(failures(keep.log))
    async with (
        await RestClient(keep).login(VICTIMS["a"]) as client,
        Attacker(keep, address) as attacker,
        await attacker.open(client.access) as calm,
    ):
        await calm.expect("welcome")
        held = 0
        for seed in (20, 21):
            counts = await besiege(keep.port, client.access, seed, ATTACKERS, lasting(SECONDS))
            assert (await calm.ask("ping"))["type"] == "pong"
            held = held or memory(keep.pid)
        assert memory(keep.pid) - held < 25_000_000
        assert counts["handshake 101"] > 5
        assert counts["handshake 400"] > 5
        assert (await attacker.attempt(token=client.access)).admitted
    assert failures(keep.log)[begun:] == []


def lasting(seconds: float) -> Callable[[int], bool]:
    """Whether to go on, for so long from now."""
    until = time.monotonic() + seconds
    return lambda done: time.monotonic() < until


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
NAMES = ["type", "id", "token", "mission", "body", "kind", "data", "roles", "update", "after"]
FRAMES = st.dictionaries(
    st.sampled_from(NAMES), JSON | st.sampled_from(["publish", "subscribe", "ping"])
)


@BOUNDED
@given(st.text() | FRAMES.map(lambda said: repr(said).replace("'", '"')))
def test_any_text_is_a_frame_or_malformed(text: str) -> None:
    """The decoder knows two outcomes and no third."""
    with contextlib.suppress(authentication.Malformed):
        frame = authentication.decode_frame(command_decoder, text)
        assert isinstance(frame, authentication.ClientFrame)


HEADERS = st.lists(
    st.tuples(
        st.sampled_from([b"origin", b"authorization", b"token", b"cookie", b"host", b"x"]),
        st.binary(max_size=60) | st.sampled_from([b"Bearer x", b"jwt=x", b"http://localhost:8000"]),
    ),
    max_size=4,
)
OFFERED = st.lists(st.text(max_size=20) | st.sampled_from(["hq.v1", "bearer.x", "a.b.c"]))


@BOUNDED
@given(HEADERS, st.binary(max_size=80), OFFERED)
def test_any_handshake_is_ruled_on(
    headers: list[tuple[bytes, bytes]], query: bytes, offered: list[str]
) -> None:
    """A ruling or a refusal, and never both a credential and a refusal."""
    with contextlib.suppress(OriginRefused):
        ruling = read_handshake(headers, query, offered, "jwt")
        assert ruling.refusal is None or ruling.credential is None
        assert ruling.subprotocol is None or ruling.subprotocol in offered
