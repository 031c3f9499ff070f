"""Random worlds: whatever happens in whatever order, everybody sees exactly what it may.

Hypothesis draws agents of any rights, missions, and what is done with them, under a channel layer
that loses, doubles and holds events back. In the end, and whenever a world comes to rest, every
view equals a fresh look, and nothing that ever came was beyond its agent's rights. The worlds of
`make test` are the same each time; `HQ_WORLDS=2000` tries as many others.
"""

import os
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as profile
from hypothesis import strategies as st

from agents import watch
from missions import presence
from missions.tests import weather
from missions.tests.script import Script
from missions.tests.steps import BEGINNING, STEP, Step

WORLDS = int(os.environ.get("HQ_WORLDS", "0"))
FIXED = 40
STEPS_MOST = 40


@pytest.fixture
def uncertain(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The layer with weather; comparisons come when a world says so, presence at once."""
    settings.CHANNEL_LAYERS = weather.LAYERS
    settings.HQ_FRAMES_PER_SECOND = settings.HQ_FRAME_BURST = 1_000_000
    monkeypatch.setattr(watch, "COMPARE_EVERY_ALONE", 3600.0)
    monkeypatch.setattr(watch, "OVERSLEPT", 3600.0)
    monkeypatch.setattr(presence, "EVERY", 0.01)


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("uncertain")
@pytest.mark.timeout(max(600, WORLDS))
@profile(
    max_examples=WORLDS or FIXED,
    derandomize=not WORLDS,
    print_blob=bool(WORLDS),
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
@given(beginning=BEGINNING, steps=st.lists(STEP, min_size=STEPS_MOST // 2, max_size=STEPS_MOST))
def test_random_worlds(beginning: dict[str, Any], steps: list[Step]) -> None:
    """Every view equals a fresh look, no frame is ever forbidden, numbers are dense."""
    Script().play(steps, **beginning)
