"""Makes the tables of docs/audiences.md from `missions.audiences`: `python -m docs.truth_table`.

Asks the rule about every combination; knows nothing of it. A test holds the file to what is made.
"""

from collections.abc import Iterable, Sequence
from itertools import combinations
from pathlib import Path

from agents.roles import Clearance, Role, Viewer
from missions.audiences import (
    CLEARANCES,
    ROLES,
    STREAMS,
    VIEWERS,
    Audience,
    Looker,
    in_audience,
    may_enter,
    may_review,
    may_staff,
    stream_for,
    streams_of,
)

DOCUMENT = Path(__file__).with_name("audiences.md")
BEGIN, END = "<!-- made by docs/truth_table.py -->\n", "<!-- end of what is made -->\n"

ROLE_SETS = tuple(
    frozenset(chosen) for size in range(len(ROLES) + 1) for chosen in combinations(ROLES, size)
)


def levels(seen: Iterable[Clearance]) -> str:
    """The initials of these classifications, `-` for none: `RCS`."""
    return "".join(level.name[0] for level in sorted(seen)) or "-"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table in Markdown."""
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def entering() -> str:
    """Which missions an agent enters, for every standing towards them."""
    standings = [
        (role, assigned, active)
        for active in (True, False)
        for role in ROLES
        for assigned in (True, False)
    ]
    rows = [
        [
            role.value,
            "yes" if assigned else "no",
            "yes" if active else "no",
            *(
                levels(
                    level
                    for level in CLEARANCES
                    if may_enter(Looker(Viewer(role, clearance), assigned, active), level)
                )
                for clearance in CLEARANCES
            ),
        ]
        for role, assigned, active in standings
    ]
    return table(["role", "assigned", "active", *(one.wire for one in CLEARANCES)], rows)


def meant() -> str:
    """Which updates a viewer class is meant by, for every set of roles that an update can name."""
    rows = [
        [
            ", ".join(role.value for role in ROLES if role in roles) or "no roles",
            *(
                levels(level for level in CLEARANCES if in_audience(viewer, Audience(level, roles)))
                for viewer in VIEWERS
            ),
        ]
        for roles in ROLE_SETS
    ]
    return table(["the update names", *(short(viewer) for viewer in VIEWERS)], rows)


def streams() -> str:
    """The number of each viewer class's stream."""
    rows = [
        [role.value, *(str(stream_for(Viewer(role, level))) for level in CLEARANCES)]
        for role in ROLES
    ]
    return table(["role", *(one.wire for one in CLEARANCES)], rows)


def rights() -> str:
    """What else depends on the role, and what of an own update is seen outside the stream."""
    low, top = CLEARANCES[0], CLEARANCES[-1]
    rows = [
        [
            role.value,
            "yes" if may_staff(Viewer(role, low)) else "no",
            *(
                levels(
                    level
                    for level in CLEARANCES
                    if may_review(Looker(Viewer(role, clearance), True), low, Audience(level))
                )
                for clearance in (low, top)
            ),
        ]
        for role in ROLES
    ]
    head = ["role", "staffs missions", f"reviews own, {low.wire}", f"reviews own, {top.wire}"]
    return table(head, rows)


def short(viewer: Viewer) -> str:
    """A viewer class as a column: `analyst S`."""
    return f"{viewer.role.value.partition('-')[0]} {viewer.clearance.name[0]}"


def made() -> str:
    """The part of the document between its marks."""
    widest = streams_of(Audience(CLEARANCES[0]))
    narrowest = streams_of(Audience(CLEARANCES[-1], frozenset({Role.DIRECTOR})))
    parts = [
        "### Who enters a mission\n\nThe cell: which missions, by classification, an agent of that "
        "clearance enters.\n\n" + entering(),
        "### Who is meant by an update\n\nThe cell: which updates, by classification, a viewer of "
        "that class sees in a mission\nthat it enters.\n\n" + meant(),
        f"### Streams\n\nThe number of each viewer class's stream. An update has from "
        f"{len(narrowest)} to {len(widest)} of the {len(STREAMS)}.\n\n" + streams(),
        "### Own updates and staffing\n\nThe cell on the right: which of its own updates, by "
        "classification, an assigned agent of\nthat clearance may review, whatever roles they "
        "name.\n\n" + rights(),
    ]
    return "\n".join(parts)


def document() -> str:
    """The whole document with what is made put between its marks."""
    before, _, rest = DOCUMENT.read_text(encoding="utf-8").partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n{made()}\n{END}{after}"


if __name__ == "__main__":
    DOCUMENT.write_text(document(), encoding="utf-8")
