"""Limits of sockets: bursts pass, floods do not, places come back."""

from pytest_django.fixtures import Settings

from agents.protocol import MAX_FRAME_BYTES
from agents.sockets.limits import MALFORMED_MOST, FrameRate, Malformed, Waiting, too_big


def test_a_burst_passes_and_the_next_frame_does_not(settings: Settings) -> None:
    """As many as the burst, at once."""
    settings.HQ_FRAMES_PER_SECOND = 1
    settings.HQ_FRAME_BURST = 5
    rate = FrameRate()
    assert [rate.exceeded() for _ in range(6)] == [False] * 5 + [True]


def test_the_tenth_malformed_frame_is_one_too_many() -> None:
    """Nine are forgiven."""
    malformed = Malformed()
    verdicts = [malformed.exceeded() for _ in range(MALFORMED_MOST)]
    assert verdicts == [False] * (MALFORMED_MOST - 1) + [True]


def test_a_frame_is_measured_in_bytes() -> None:
    """Of UTF-8, a lone surrogate too."""
    for character, size in (
        ("a", 1),
        ("\u00e9", 2),
        ("\u20ac", 3),
        ("\ud800", 3),
        ("\U0001f680", 4),
    ):
        fitting = character * (MAX_FRAME_BYTES // size)
        assert not too_big(fitting)
        assert too_big(fitting + character)


def test_an_address_has_so_many_places(settings: Settings) -> None:
    """Others are not harmed, and a place that is given back can be taken again."""
    settings.HQ_PENDING_PER_ADDRESS = 2
    waiting = Waiting()
    places = [waiting.enter("192.0.2.1") for _ in range(3)]
    assert [place is not None for place in places] == [True, True, False]
    assert waiting.enter("192.0.2.2") is not None
    assert places[0] is not None
    places[0].leave()
    places[0].leave()
    assert waiting.enter("192.0.2.1") is not None
    assert waiting.enter("192.0.2.1") is None


def test_one_network_is_one_address(settings: Settings) -> None:
    """Whoever has a /64 does not have 2^64 times the places."""
    settings.HQ_PENDING_PER_ADDRESS = 1
    waiting = Waiting()
    assert waiting.enter("2001:db8::1") is not None
    assert waiting.enter("2001:db8::2") is None


def test_a_worker_has_so_many_places(settings: Settings) -> None:
    """Over all addresses."""
    settings.HQ_PENDING_PER_WORKER = 2
    waiting = Waiting()
    places = [waiting.enter(f"192.0.2.{number}") for number in range(3)]
    assert [place is not None for place in places] == [True, True, False]
