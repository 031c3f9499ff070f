"""The words of the rule: names on the wire, order, rank."""

import pytest

from agents.roles import STAFFING_ROLES, Clearance, Role


def test_clearances_are_ordered() -> None:
    """Restricted is the least, top secret the most."""
    assert sorted(Clearance) == [
        Clearance.RESTRICTED,
        Clearance.CONFIDENTIAL,
        Clearance.SECRET,
        Clearance.TOP_SECRET,
    ]


def test_the_wire_has_names() -> None:
    """And they lead back to the clearance."""
    names = [clearance.wire for clearance in Clearance]
    assert names == ["restricted", "confidential", "secret", "top-secret"]
    assert [Clearance.from_wire(name) for name in names] == [*Clearance]


@pytest.mark.parametrize("name", ["", "TOP-SECRET", "top_secret", "4", "cosmic"])
def test_any_other_name_is_no_clearance(name: str) -> None:
    """Also a number or another case."""
    with pytest.raises(ValueError, match="is not a clearance"):
        Clearance.from_wire(name)


def test_directors_outrank_handlers_outrank_the_rest() -> None:
    """Analysts and operatives are peers."""
    assert [role.rank for role in Role] == [3, 2, 1, 1]
    assert {role for role in Role if role.rank > 1} == STAFFING_ROLES
