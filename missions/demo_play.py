"""The live demo: a REST client that keeps one mission moving.

Owns the script and a small client on the standard library. It touches no model and no service: to
HQ it is some agents at work, in another process, and what it shows is what any client sees. Started
by `play_demo`.
"""

import http.client
import itertools
import json
import math
import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from agents.roles import Clearance
from missions.demo_log import LANTERN, PASSWORD, at
from missions.protocol import Kind

ANSWER_WITHIN = 10.0
"""Seconds that a call may take."""


class Gone(Exception):
    """Nobody answers at the address."""


class Refused(Exception):
    """HQ said no: `status`, `code`."""

    def __init__(self, status: int, code: str) -> None:
        super().__init__(f"{status} {code}")
        self.status = status
        self.code = code


@dataclass(frozen=True)
class Line:
    """What one agent says next: the body of a POST; and whether it acknowledges the last order."""

    username: str
    content: dict[str, Any]
    acknowledges: bool = False


class Player:
    """One agent at its REST client: logs in when it has to."""

    def __init__(self, origin: str, username: str) -> None:
        parts = urlsplit(origin)
        self._secure = parts.scheme == "https"
        self._address = parts.hostname or "localhost", parts.port
        self._username = username
        self._access = ""

    def call(self, method: str, path: str, content: dict[str, Any] | None = None) -> Any:
        """The decoded answer; `Refused` or `Gone` else. An expired token is replaced once."""
        if self._access:
            try:
                return self._exchange(method, path, content)
            except Refused as refused:
                if refused.status != 401:
                    raise
        self._access = ""
        login = {"username": self._username, "password": PASSWORD, "transport": "body"}
        self._access = self._exchange("POST", "/api/auth/login", login)["access"]
        return self._exchange(method, path, content)

    def _exchange(self, method: str, path: str, content: dict[str, Any] | None) -> Any:
        headers = {"Content-Type": "application/json"} if content is not None else {}
        if self._access:
            headers["Authorization"] = f"Bearer {self._access}"
        connect = http.client.HTTPSConnection if self._secure else http.client.HTTPConnection
        connection = connect(*self._address, timeout=ANSWER_WITHIN)
        try:
            connection.request(method, path, json.dumps(content) if content else None, headers)
            answer = connection.getresponse()
            said = answer.read()
        except (OSError, http.client.HTTPException) as error:
            raise Gone(str(error)) from error
        finally:
            connection.close()
        try:
            decoded = json.loads(said) if said else None
        except ValueError:
            raise Gone(f"{path} answered something that is not HQ's.") from None
        if answer.status >= 400:
            raise Refused(answer.status, str((decoded or {}).get("code", "")))
        return decoded


def mission_id(player: Player) -> str | None:
    """The id of the mission that the demo plays on; None when nobody may see it any more."""
    for mission in player.call("GET", "/api/missions"):
        if mission["codename"] == LANTERN and mission["status"] in ("planned", "active"):
            return str(mission["id"])
    return None


def lines() -> Iterator[Line]:
    """What is said, without end: the script over and over, on a search that moves on."""
    chance = random.Random(7)  # noqa: S311  (scenery)
    for step in itertools.count():
        said = SCRIPT[step % len(SCRIPT)]
        yield Line(
            said[0],
            {
                "kind": said[1].value,
                "body": said[2].format(
                    square=f"{'CDEF'[step // 9 % 4]}{step // 4 % 6 + 4}",
                    metres=chance.randrange(60, 420, 20),
                    wind=chance.randrange(9, 19),
                    degrees=chance.randrange(-9, 3),
                ),
                **(where(said[0], step) if said[1] is Kind.POSITION else {}),
                **said[3],
            },
            acknowledges=step % len(SCRIPT) in ACKNOWLEDGING
            and step // len(SCRIPT) % LEFT_OPEN != LEFT_OPEN - 1,
        )


def where(username: str, step: int) -> dict[str, Any]:
    """A position on the agent's way round the east bowl."""
    turn = step / 40 + (0 if username == "heron" else math.pi)
    lat, lon = 61.5523 + 0.004 * math.sin(turn), 8.3461 + 0.009 * math.cos(turn)
    return {"data": at(round(lat, 6), round(lon, 6), 4 + step % 9)}


_DESK = {"roles": ["handler", "analyst"]}
_CONFIDENTIAL = {"classification": Clearance.CONFIDENTIAL.wire}
_SECRET = {"classification": Clearance.SECRET.wire, **_DESK}
_ACK = {"requires_ack": True, "ack_within": 300, "roles": ["field-operative", "handler"]}

SCRIPT: tuple[tuple[str, Kind, str, dict[str, Any]], ...] = (
    ("heron", Kind.POSITION, "Moving along the lower traverse.", {}),
    ("wren", Kind.MESSAGE, "Relay to all: wind {wind} m/s on the saddle, {degrees} degrees.", {}),
    ("analyst", Kind.REPORT, "Thermal picture of {square} is in. Nothing above 4 degrees.", {}),
    ("heron", Kind.REPORT, "{square} searched on foot, {metres} m of gully left.", {}),
    ("wren", Kind.POSITION, "Relay, moved to the lee side.", {}),
    ("handler", Kind.ORDER, "Heron: when {square} is done, report before going on.", _ACK),
    ("heron", Kind.MESSAGE, "Understood. About {metres} m to go.", {}),
    (
        "analyst",
        Kind.REPORT,
        "Mast saw one of the phones again, near {square}.",
        _CONFIDENTIAL,
    ),
    ("handler", Kind.MESSAGE, "Do not tell the press car at the hut about the phone.", _DESK),
    ("heron", Kind.POSITION, "Out of the gully.", {}),
    ("wren", Kind.REPORT, "Hear a whistle, three short, from below {square}. Not sure.", {}),
    ("handler", Kind.STATUS, "Search moves to {square}. Second team leaves the hut.", {}),
    ("heron", Kind.ALERT, "Snow slab cracked {metres} m above me. Going round by the rocks.", {}),
    ("wren", Kind.POSITION, "Relay, in sight of Heron.", {}),
    ("analyst", Kind.MESSAGE, "Family liaison is told nothing before we have seen them.", _SECRET),
    ("heron", Kind.MESSAGE, "On the rocks, safe. Whistle heard here too.", {}),
    ("handler", Kind.MESSAGE, "Helicopter on 20 minutes' notice from now.", _CONFIDENTIAL),
)

ACKNOWLEDGING = frozenset(
    step
    for step, (who, kind, body, _) in enumerate(SCRIPT)
    if body.startswith("Understood") or (who, kind) == ("wren", Kind.REPORT)
)
"""The lines with which those who got the order acknowledge it, in time."""

LEFT_OPEN = 12
"""Of so many orders nobody acknowledges the last, so that one becomes overdue now and then."""
