"""The figures and the verdict."""

import json

from benchmarks.report import Figures, Result
from benchmarks.rounds import Trial


def trial(rate: float, *, p99_ms: float = 20.0, lost: int = 0) -> Trial:
    """A trial in which each update made 128 frames."""
    return Trial(
        rate=rate,
        updates=int(rate),
        deliveries=128 * int(rate),
        lost=lost,
        wrong=0,
        p50_ms=1.0,
        p99_ms=p99_ms,
        max_ms=p99_ms,
        deliveries_per_second=128 * rate,
        server_cpu=0.5,
        client_cpu=0.5,
        publisher_late_ms=0.0,
    )


def figures(hq: list[float], peer: list[float], **steady: float) -> Figures:
    """Rounds of HQ and Socket.IO with these highest rates."""
    made = Figures(160, 1024, {"cores": 2})
    for name, rates in (("hq", hq), ("socketio", peer)):
        for rate in rates:
            at_rate = trial(160, p99_ms=steady.get("p99_ms", 20.0), lost=int(steady.get("lost", 0)))
            made.add(name, Result(1000.0, at_rate, at_rate, trial(rate), True, 10))
    return made


def test_the_ratio_is_that_of_the_medians() -> None:
    """One lucky or unlucky round decides nothing."""
    made = figures([9_000, 10_000, 90_000], [800, 100, 900])
    assert made.frames_per_second("hq") == 128 * 10_000
    assert made.ratios == {"socketio": 12.5}
    assert made.kept


def test_less_than_ten_times_socketio_is_not_kept() -> None:
    """The goal is 10."""
    assert not figures([7_900], [800]).kept
    assert figures([8_000], [800]).kept


def test_one_lost_frame_or_a_late_median_is_not_kept() -> None:
    """Nothing may be lost in any round; late may be the odd round out, not the middle one."""
    assert not figures([9_000], [800], lost=1).kept
    assert not figures([9_000], [800], p99_ms=251.0).kept
    assert not Figures(160, 1024, {}).kept
    one_late = figures([9_000, 9_000, 9_000], [800])
    one_late.results["hq"][0].written = trial(160, p99_ms=300.0)
    assert one_late.kept
    one_late.results["hq"][0].written = trial(160, lost=1)
    assert not one_late.kept


def test_a_round_without_a_good_rate_counts_as_nought() -> None:
    """What failed is not left out of the median."""
    made = figures([9_000, 9_000], [800])
    made.add("hq", Result(1000.0, trial(160), trial(160)))
    made.add("hq", Result(1000.0, trial(160), trial(160)))
    made.add("hq", Result(1000.0, trial(160), trial(160)))
    assert made.frames_per_second("hq") == 0
    assert not made.kept


def test_table_and_json_say_the_same() -> None:
    """Both hold the ratio, the verdict and the machine."""
    made = figures([9_000], [800])
    whole = json.loads(made.as_json())
    assert whole["ratios"] == {"socketio": 11.25}
    assert whole["kept"] is True
    assert whole["servers"]["hq"]["rounds"][0]["highest"]["rate"] == 9_000
    assert "11.2 x" in made.table()
    assert "HQ kept its promises." in made.table()
    assert "cores: 2" in made.table()
