"""The demo's people, missions and log: what a newcomer finds in the room. Data alone, pure.

A search in the mountains, the event that was secured before it, and an inquiry that few may see.
`missions.demo` writes it, `missions.demo_play` goes on with it.
"""

from dataclasses import dataclass, field
from typing import Any

from agents.roles import Clearance, Role
from missions.protocol import Kind, Status

PASSWORD = "demo-room-2026"

R, C, S, T = Clearance
STAFF = frozenset({Role.HANDLER})
DESK = frozenset({Role.HANDLER, Role.ANALYST})
FIELD = frozenset({Role.HANDLER, Role.FIELD_OPERATIVE})


@dataclass(frozen=True)
class Person:
    """A demo agent."""

    username: str
    codename: str
    role: Role
    clearance: Clearance
    staff: bool = False


@dataclass(frozen=True)
class Plan:
    """A demo mission; the first member creates it."""

    codename: str
    objective: str
    classification: Clearance
    status: Status
    members: tuple[str, ...]


@dataclass(frozen=True)
class Entry:
    """One update; `hours` before now, `acknowledged` by whom. Without a level: the mission's."""

    hours: float
    author: str
    kind: Kind
    body: str
    level: Clearance | None = None
    roles: frozenset[Role] = frozenset()
    data: dict[str, Any] = field(default_factory=dict)
    ack_within: int | None = None
    acknowledged: tuple[str, ...] = ()


PEOPLE = (
    Person("director", "Northstar", Role.DIRECTOR, T, staff=True),
    Person("handler", "Keel", Role.HANDLER, S),
    Person("analyst", "Prism", Role.ANALYST, S),
    Person("heron", "Heron", Role.FIELD_OPERATIVE, C),
    Person("wren", "Wren", Role.FIELD_OPERATIVE, R),
    Person("outsider", "Lodge", Role.FIELD_OPERATIVE, R),
)

LANTERN, HARBOUR, LEDGER = "Cold Lantern", "Harbour Watch", "Quiet Ledger"

PLANS = (
    Plan(
        LANTERN,
        "Find two hikers overdue on the Skarn ridge since Sunday and bring them down.",
        R,
        Status.ACTIVE,
        ("handler", "analyst", "heron", "wren"),
    ),
    Plan(
        HARBOUR,
        "Keep the harbour festival safe: 12,000 visitors, two stages, one ferry pier.",
        C,
        Status.PLANNED,
        ("handler", "analyst", "heron"),
    ),
    Plan(
        LEDGER,
        "Find out how the duty roster came to be known outside the service.",
        S,
        Status.COMPLETED,
        ("handler", "analyst"),
    ),
)


def at(lat: float, lon: float, accuracy: float = 8) -> dict[str, Any]:
    """The data of a position: degrees, metres."""
    return {"lat": lat, "lon": lon, "accuracy": accuracy}


LOGS: dict[str, tuple[Entry, ...]] = {
    LANTERN: (
        Entry(45.0, "handler", Kind.STATUS, "Search opened. Two hikers overdue since 18:00."),
        Entry(
            44.8,
            "handler",
            Kind.ORDER,
            "Heron and Wren: take the hut trail to the saddle, then split east and west.",
            roles=FIELD,
            ack_within=900,
            acknowledged=("heron", "wren"),
        ),
        Entry(
            44.5,
            "analyst",
            Kind.REPORT,
            "Last phone contact Sunday 16:42, mast Skarn-2, sector 110 to 140 degrees.",
            C,
        ),
        Entry(44.1, "wren", Kind.MESSAGE, "At the car park. Their car is here, engine cold."),
        Entry(
            43.6,
            "analyst",
            Kind.REPORT,
            "Family says one of the two needs insulin twice a day. Last dose unknown.",
            S,
            DESK,
        ),
        Entry(43.2, "heron", Kind.POSITION, "Hut trail, km 2.", data=at(61.5412, 8.3127)),
        Entry(42.9, "wren", Kind.POSITION, "Hut trail, km 2, with Heron.", data=at(61.541, 8.3122)),
        Entry(
            41.5,
            "handler",
            Kind.ALERT,
            "Wind over 20 m/s on the ridge from 15:00. Nobody above 1,600 m after 14:30.",
            ack_within=600,
            acknowledged=("analyst", "heron", "wren"),
        ),
        Entry(40.8, "heron", Kind.REPORT, "Saddle reached. Two sets of prints lead east, fresh."),
        Entry(40.7, "heron", Kind.POSITION, "Saddle.", data=at(61.5498, 8.334, 5)),
        Entry(40.2, "wren", Kind.MESSAGE, "West side is clear down to the stream. Turning back."),
        Entry(
            39.0,
            "director",
            Kind.MESSAGE,
            "The minister's office asks hourly. Answer through me and nobody else.",
            S,
            STAFF,
        ),
        Entry(38.5, "handler", Kind.STATUS, "Ridge closed for the night. Search goes on below."),
        Entry(
            26.0,
            "director",
            Kind.MESSAGE,
            "One of the two is a protected witness. This stays with me until they are down.",
            T,
        ),
        Entry(
            24.5,
            "analyst",
            Kind.REPORT,
            "Prints and phone agree on the east bowl. Probability 70 %, sheet 4, squares C6-D7.",
            C,
            data={"sheet": 4, "squares": ["C6", "C7", "D6", "D7"], "probability": 0.7},
        ),
        Entry(
            23.9,
            "handler",
            Kind.ORDER,
            "Heron: east bowl by the lower traverse. Wren: hold the saddle as relay.",
            roles=FIELD,
            ack_within=600,
            acknowledged=("heron",),
        ),
        Entry(22.4, "heron", Kind.POSITION, "Lower traverse.", data=at(61.5523, 8.3461, 12)),
        Entry(21.7, "wren", Kind.MESSAGE, "Relay is up on the saddle. Hear Heron loud and clear."),
        Entry(
            20.9,
            "heron",
            Kind.ALERT,
            "Orange jacket seen below the couloir, about 300 m east of me. Moving towards it.",
        ),
        Entry(
            6.2,
            "analyst",
            Kind.REPORT,
            "Helicopter window 11:10 to 11:50, ceiling 900 ft over the landing place.",
            C,
        ),
        Entry(
            2.4,
            "handler",
            Kind.ORDER,
            "All: confirm radio check and food for twelve hours.",
            ack_within=3600,
            acknowledged=("analyst",),
        ),
        Entry(1.1, "wren", Kind.POSITION, "Relay, saddle.", data=at(61.5499, 8.3338, 4)),
    ),
    HARBOUR: (
        Entry(47.0, "handler", Kind.STATUS, "Planning opened. First briefing on Thursday."),
        Entry(46.2, "analyst", Kind.REPORT, "Tickets sold: 11,840. Peak at the pier 21:30-22:15."),
        Entry(
            36.0,
            "handler",
            Kind.ORDER,
            "Heron: walk both evacuation routes and time them.",
            roles=FIELD,
            ack_within=86_400,
            acknowledged=("heron",),
        ),
        Entry(
            30.5, "heron", Kind.REPORT, "Route north 6 min, route south 9 min: fence in the way."
        ),
        Entry(30.1, "heron", Kind.POSITION, "The fence.", data=at(59.9042, 10.7311)),
        Entry(
            28.0,
            "analyst",
            Kind.REPORT,
            "A caterer's crew list has two names that no register knows.",
            S,
            DESK,
        ),
        Entry(27.2, "handler", Kind.MESSAGE, "Fence will be gone by Friday noon, says the port."),
        Entry(
            10.5,
            "analyst",
            Kind.ALERT,
            "Storm front may arrive on the evening itself. Decide on the ferry by Friday.",
            ack_within=43_200,
        ),
        Entry(5.0, "handler", Kind.MESSAGE, "Crew names cleared: a spelling mistake.", S, DESK),
        Entry(3.5, "heron", Kind.MESSAGE, "South route again, fence open: 5 min 40 s."),
    ),
    LEDGER: (
        Entry(46.5, "handler", Kind.STATUS, "Inquiry opened on the director's order."),
        Entry(
            46.0,
            "director",
            Kind.ORDER,
            "Nobody outside this mission is told.",
            ack_within=3600,
            acknowledged=("analyst", "handler"),
        ),
        Entry(42.0, "analyst", Kind.REPORT, "Six people had the roster before it was quoted."),
        Entry(
            35.5,
            "analyst",
            Kind.REPORT,
            "Five of the six copies carry the corrected date. The quoted one does not.",
            data={"copies": 6, "corrected": 5},
        ),
        Entry(34.0, "director", Kind.MESSAGE, "I know whose copy that is. Leave it to me.", T),
        Entry(
            29.0,
            "handler",
            Kind.REPORT,
            "Printed copy found in a meeting room that visitors use.",
            roles=DESK,
        ),
        Entry(20.0, "analyst", Kind.MESSAGE, "No sign of intent. The printer keeps its queue."),
        Entry(
            10.0, "handler", Kind.STATUS, "Closed: a forgotten printout. Printers now ask a PIN."
        ),
    ),
}
