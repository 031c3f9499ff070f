"""Drafts: what can be stored as an update, whoever says it."""

import contextlib

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from agents.errors import Invalid
from missions.drafts import Draft
from missions.protocol import Kind

POSITION = {"lat": 47.5, "lon": -122.3}


def refused_field(draft: Draft) -> str | None:
    """The field that the refusal names."""
    with pytest.raises(Invalid) as refused:
        draft.check()
    return refused.value.field


@pytest.mark.parametrize("body", ["x", "x" * 8_000, "\U0001f600" * 8_000, "<b>as written</b>\n"])
def test_a_body_of_1_to_8000_characters_is_good(body: str) -> None:
    """Counted in code points, kept as written."""
    Draft(kind=Kind.MESSAGE, body=body).check()


@pytest.mark.parametrize("body", ["", "x" * 8_001, "a\x00b", "\ud800"])
def test_no_other_body_is(body: str) -> None:
    """Empty, too long, NUL, half a character."""
    assert refused_field(Draft(kind=Kind.MESSAGE, body=body)) == "body"


def test_data_has_8_kib_encoded() -> None:
    """Not a byte more."""
    fits = {"x": "a" * (8 * 1024 - 8)}
    Draft(kind=Kind.REPORT, body="x", data=fits).check()
    over = {"x": fits["x"] + "a"}
    assert refused_field(Draft(kind=Kind.REPORT, body="x", data=over)) == "data"


def holds_nul(value: object) -> bool:
    """Whether a NUL stands anywhere in it."""
    if isinstance(value, str):
        return "\x00" in value
    if isinstance(value, dict):
        return any(holds_nul(part) for pair in value.items() for part in pair)
    return isinstance(value, list) and any(map(holds_nul, value))


texts = st.text() | st.sampled_from(["\x00", "\\u0000", "\\\x00", "\\\\u0000", '"\\u0000"'])
whatever = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.just(0.0)
    | st.floats(1e-30, 1e16, exclude_max=True)
    | st.floats(-1e16, -1e-30, exclude_min=True)
    | texts,
    lambda inner: st.lists(inner) | st.dictionaries(texts, inner),
    max_leaves=6,
)


@given(st.dictionaries(texts, whatever, max_size=4))
def test_of_storable_data_only_nul_is_refused(data: dict[str, object]) -> None:
    """A backslash before u0000 is six characters of text and not a NUL."""
    draft = Draft(kind=Kind.REPORT, body="x", data=data)
    if holds_nul(data):
        assert refused_field(draft) == "data"
    else:
        draft.check()


def nested(depth: int) -> dict[str, object]:
    """Data of so many objects and arrays within one another."""
    inner: dict[str, object] | list[object] = [] if depth > 1 else {}
    for _ in range(depth - 2):
        inner = [inner]
    return {"x": inner} if depth > 1 else {}


def test_data_is_nested_32_deep() -> None:
    """Else what reads it back runs out of stack, and nobody could take the update back."""
    Draft(kind=Kind.REPORT, body="x", data=nested(32)).check()
    for depth in (33, 969, 2_000):
        assert refused_field(Draft(kind=Kind.REPORT, body="x", data=nested(depth))) == "data"


@pytest.mark.parametrize("number", [1e16, -1e308, 1e-31, float("inf"), float("nan")])
def test_data_has_no_number_that_a_database_writes_out(number: float) -> None:
    """Six bytes would come back as three hundred, and 1e23 as another number."""
    draft = Draft(kind=Kind.REPORT, body="x", data={"x": [{"y": number}]})
    assert refused_field(draft) == "data"


@given(st.fixed_dictionaries({"lat": whatever, "lon": whatever}))
@example({"lat": 10**400, "lon": 1})
@example({"lat": float("nan"), "lon": 1})
@example({"lat": 1, "lon": 2, "accuracy": 10**400})
def test_a_position_of_any_shape_is_judged(data: dict[str, object]) -> None:
    """Good or `invalid`: no number is too large to be measured."""
    with contextlib.suppress(Invalid):
        Draft(kind=Kind.POSITION, body="x", data=data).check()


@pytest.mark.parametrize("data", [{"x": "\x00"}, {"\x00": 1}, {"x": "\ud800"}])
def test_data_must_be_storable(data: dict[str, object]) -> None:
    """NUL and half characters are refused in data too."""
    assert refused_field(Draft(kind=Kind.REPORT, body="x", data=data)) == "data"


@pytest.mark.parametrize(
    "data",
    [
        POSITION,
        POSITION | {"accuracy": 0},
        {"lat": -90, "lon": 180},
    ],
)
def test_a_position_is_degrees_and_metres(data: dict[str, object]) -> None:
    """Accuracy may be missing."""
    Draft(kind=Kind.POSITION, body="here", data=data).check()


@pytest.mark.parametrize(
    "data",
    [
        {},
        {"lat": 1.0},
        {"lat": 90.1, "lon": 0},
        {"lat": 0, "lon": -180.5},
        {"lat": "1", "lon": 0},
        {"lat": True, "lon": 0},
        POSITION | {"accuracy": -1},
        POSITION | {"accuracy": "5 m"},
        POSITION | {"speed": 3},
    ],
)
def test_no_other_position_is(data: dict[str, object]) -> None:
    """Missing, out of the globe, no number, or more than asked."""
    assert refused_field(Draft(kind=Kind.POSITION, body="here", data=data)) == "data"


@pytest.mark.parametrize("seconds", [10, 86_400])
def test_an_acknowledgement_has_its_time(seconds: int) -> None:
    """From ten seconds to a day."""
    Draft(kind=Kind.ORDER, body="x", requires_ack=True, ack_within=seconds).check()


@pytest.mark.parametrize(("asked", "seconds"), [(True, 9), (True, 86_401), (False, 60)])
def test_no_other_time_is(asked: bool, seconds: int) -> None:
    """And none where no acknowledgement is asked."""
    draft = Draft(kind=Kind.ORDER, body="x", requires_ack=asked, ack_within=seconds)
    assert refused_field(draft) == "ack_within"


@pytest.mark.parametrize("client_id", ["", "x" * 65, "a\x00"])
def test_a_client_id_has_1_to_64_characters(client_id: str) -> None:
    """Whatever they are, but NUL."""
    Draft(kind=Kind.MESSAGE, body="x", client_id="x" * 64).check()
    assert refused_field(Draft(kind=Kind.MESSAGE, body="x", client_id=client_id)) == "client_id"
