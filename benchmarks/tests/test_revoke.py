"""The figures of `revoke` and its verdict."""

import json
from dataclasses import replace

import pytest

from benchmarks.revoke import Figures, Spread

GOOD = Spread(500, 3.0, 20.0, 30.0)
FIGURES = Figures(GOOD, GOOD, GOOD, [240, 260], 20.0, {"cores": 2})


def test_a_spread_is_of_the_moments_in_order() -> None:
    """In milliseconds, whatever order they came in; the 99th of a hundred is not the worst."""
    spread = Spread.of([number / 1000 for number in range(100, -1, -1)])
    assert spread == Spread(101, 50.0, 99.0, 100.0)
    assert Spread.of([0.25]) == Spread(1, 250.0, 250.0, 250.0)


@pytest.mark.parametrize(
    ("figures", "kept"),
    [
        (FIGURES, True),
        (replace(FIGURES, closed=replace(GOOD, p99_ms=250.0)), True),
        (replace(FIGURES, closed=replace(GOOD, p99_ms=250.1)), False),
        (replace(FIGURES, closed=replace(GOOD, max_ms=900.0)), True),
        (replace(FIGURES, scoped=replace(GOOD, p99_ms=1000.1)), False),
        (replace(FIGURES, workers=[500]), False),
    ],
)
def test_the_promise_is_about_99_of_100_on_two_workers(figures: Figures, kept: bool) -> None:
    """Closed within 250 ms, in the new scope within a second."""
    assert figures.kept is kept
    assert ("DID NOT" in figures.table()) is not kept
    assert json.loads(figures.as_json())["kept"] is kept


def test_the_table_says_how_the_sockets_were_split() -> None:
    """And how busy the machine was."""
    table = FIGURES.table()
    assert "500 sockets on 2 workers (240 + 260)" in table
    assert "cores: 2" in table
