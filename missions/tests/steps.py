"""What Hypothesis may draw of a random world: how it begins, and the steps after it.

A step is a name of a method of `missions.tests.script.Script` and what it is called with. Numbers
pick from what there is by then, so that steps can be left out without the others losing their way.
"""

from typing import Any

from hypothesis import strategies as st

from agents.roles import Clearance, Role
from missions.protocol import Status
from missions.tests.weather import KINDS, Fate

CHIEF = 0
"""The one agent whose rights nobody changes: a director who sees everything."""

OUTSIDER = 1
"""Whom nobody ever assigns, and who is never a director."""

ANYBODY = st.integers(0, 5)
SOMEBODY = st.integers(2, 5)
PICK = st.integers(0, 7)
LEVEL = st.sampled_from(Clearance)
ROLE = st.sampled_from(Role)
ROLES = st.frozensets(ROLE, max_size=2)
PERHAPS = st.booleans()
SAID = st.tuples(LEVEL, ROLES, PERHAPS)
Said = tuple[Clearance, frozenset[Role], bool]
Kinds = list[tuple[Role, Clearance]]
Step = tuple[str, dict[str, Any]]

BEGINNING = st.fixed_dictionaries(
    {
        "agents": st.lists(st.tuples(ROLE, LEVEL), min_size=4, max_size=4),
        "outsider": st.tuples(ROLE.filter(lambda role: role is not Role.DIRECTOR), LEVEL),
        "levels": st.lists(LEVEL, min_size=2, max_size=3),
        "sockets": st.lists(st.tuples(ANYBODY, PERHAPS), min_size=2, max_size=5),
    }
)


def _step(name: str, **draws: st.SearchStrategy[Any]) -> st.SearchStrategy[Step]:
    return st.tuples(st.just(name), st.fixed_dictionaries(draws))


_retract = _step("retract", pick=PICK)
_reclassify = _step("reclassify", pick=PICK, level=LEVEL, roles=ROLES)
_several = _step("publish_several", mission=PICK, several=st.lists(SAID, min_size=1, max_size=4))

STEP = st.one_of(
    _several,
    _several,
    _step("publish", by=ANYBODY, mission=PICK, said=SAID),
    _reclassify,
    _retract,
    _step("acknowledge", by=ANYBODY, pick=PICK),
    _step("time_passes"),
    _step("assign", agent=SOMEBODY, mission=PICK),
    _step("unassign", agent=SOMEBODY, mission=PICK),
    _step("move", agent=SOMEBODY, role=ROLE | st.none(), level=LEVEL | st.none()),
    _step("flicker", agent=SOMEBODY, mission=PICK, role=ROLE),
    _step("clear_outsider", level=LEVEL),
    _step("disable", agent=SOMEBODY, active=PERHAPS),
    _step("end_session", agent=ANYBODY),
    _step(
        "change_mission",
        mission=PICK,
        level=LEVEL | st.none(),
        status=st.sampled_from(Status) | st.none(),
    ),
    _step("found_mission", level=LEVEL),
    _step("connect", agent=ANYBODY, chooses=PERHAPS),
    _step("drop", pick=PICK),
    _step("come_back", pick=PICK, chooses=PERHAPS),
    _step("miss", pick=PICK, what=_several | _reclassify | _retract),
    _step("miss", pick=PICK, what=_several | _reclassify | _retract),
    _step("subscribe", pick=PICK, mission=PICK, resume=PERHAPS),
    _step("unsubscribe", pick=PICK, mission=PICK),
    _step("publish_by_socket", pick=PICK, mission=PICK),
    _step("acknowledge_by_socket", pick=PICK, update=PICK),
    _step("stop_reading", pick=PICK),
    _step("turn", kind=st.sampled_from(KINDS), fate=st.sampled_from(Fate)),
    _step("let_go"),
    _step("compare"),
    _step("come_to_rest"),
)
