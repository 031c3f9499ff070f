"""Hostile bytes in bounded number; `python -m benchmarks fuzz --minutes 10` goes on longer."""

import asyncio
import contextlib

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agents import protocol as authentication
from agents.errors import OriginRefused
from agents.sockets.credentials import read_handshake
from missions.protocol import command_decoder
from tests.attacks.attacker import Attacker
from tests.attacks.doors import Good
from tests.attacks.siege import Siege, failures, memory
from tests.hq_server import HQServer

ROUNDS = 8
"""Of four handshakes and a socket, by each of twelve attackers, twice."""
BOUNDED = settings(
    max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


async def test_hostile_bytes_harm_nothing(fort: HQServer, attacker: Attacker, good: Good) -> None:
    """Handshakes and frames gone wrong: no 5xx, no 1011, no traceback, memory flat."""
    siege = Siege(fort.port, good.access, seed=20)
    begun = len(failures(fort.log))
    held = 0

    async def some(rounds: int) -> None:
        for _ in range(rounds):
            for _ in range(4):
                await siege.handshake()
            await siege.socket()

    async with await attacker.open(good.access) as calm:
        await calm.expect("welcome")
        for turn in range(2):
            await asyncio.gather(*(some(ROUNDS) for _ in range(12)))
            assert (await calm.ask("ping"))["type"] == "pong"
            if turn == 0:
                held = memory(fort.pid)
    assert memory(fort.pid) - held < 25_000_000
    assert failures(fort.log)[begun:] == []
    assert siege.counts["handshake 101"] > 5
    assert siege.counts["handshake 400"] > 5
    assert (await attacker.attempt(token=good.access)).admitted


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
