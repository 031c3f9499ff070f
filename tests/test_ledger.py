"""The oracle itself: it must see what no client may live with."""

import pytest

from tests.ledger import Frame, Ledger, Violation

MISSION = "m"


def entry(seq: int) -> Frame:
    return {"seq": seq, "update": {"id": f"u{seq}", "body": f"body {seq}"}}


def subscribed(*seqs: int, newest: int | None = None, recovered: bool = False) -> Frame:
    return {
        "type": "subscribed",
        "mission": MISSION,
        "epoch": "e",
        "seq": max(seqs, default=0) if newest is None else newest,
        "recovered": recovered,
        "updates": [entry(seq) for seq in seqs],
        "acknowledged": [],
    }


def update(seq: int, *, epoch: str = "e") -> Frame:
    return {"type": "update", "mission": MISSION, "epoch": epoch, **entry(seq)}


def holding(*frames: Frame) -> Ledger:
    ledger = Ledger()
    for frame in frames:
        ledger.apply(frame)
    return ledger


def test_live_updates_follow_a_snapshot() -> None:
    """A snapshot and what comes after it are one log, and the cursor names its end."""
    ledger = holding(subscribed(4, 5), update(6), update(7))
    assert ledger.rooms[MISSION].bodies() == ["body 4", "body 5", "body 6", "body 7"]
    assert ledger.cursor(MISSION) == ("u7", "e")


def test_a_recovery_extends_and_a_snapshot_replaces() -> None:
    """`recovered` decides whether what was held stays."""
    ledger = holding(subscribed(1, 2), subscribed(3, recovered=True))
    assert ledger.rooms[MISSION].ids() == ["u1", "u2", "u3"]
    ledger.apply(subscribed(9))
    assert ledger.rooms[MISSION].ids() == ["u9"]


def test_an_empty_recovery_keeps_what_is_held() -> None:
    """Nothing new is a good answer."""
    ledger = holding(subscribed(1, 2), subscribed(newest=2, recovered=True))
    assert ledger.rooms[MISSION].ids() == ["u1", "u2"]


@pytest.mark.parametrize(
    "frame",
    [
        update(2),
        update(4),
        update(3, epoch="other"),
        subscribed(5, recovered=True),
        subscribed(5, 7),
        subscribed(4, newest=5),
    ],
    ids=["twice", "hole", "epoch", "recovered with a hole", "not dense", "short of its end"],
)
def test_a_frame_that_no_client_can_live_with_is_a_violation(frame: Frame) -> None:
    """Doubles, holes, foreign epochs and pages that are not dense are seen."""
    ledger = holding(subscribed(1, 2))
    with pytest.raises(Violation):
        ledger.apply(frame)


def test_an_update_nobody_asked_for_is_a_violation() -> None:
    """Before `subscribed` and after `unsubscribed` no update comes."""
    with pytest.raises(Violation):
        holding(update(1))
    ledger = holding(subscribed(1))
    ledger.apply({"type": "unsubscribed", "mission": MISSION, "reason": "requested"})
    with pytest.raises(Violation):
        ledger.apply(update(2))


def test_changed_access_empties_everything() -> None:
    """What was seen under other rights is dropped."""
    ledger = holding(subscribed(1))
    ledger.apply({"type": "access_changed", "role": "analyst", "clearance": "secret"})
    assert not ledger.rooms
