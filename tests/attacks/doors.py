"""Every way in which a token reaches HQ, each tried as a client of that kind would.

A door is opened by the access token or by the refresh token; `holds` says which texts it can carry
at all (a cookie no `;`, a sub-protocol only token characters of RFC 9110, 5.6.2).
"""

import json
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import websockets

from tests.attacks.attacker import Attacker, Outcome, outcome_of, settled
from tests.attacks.forging import Forge


@dataclass
class Good:
    """The tokens of a standing session. Both are replaced by whoever uses `refresh`."""

    access: str
    refresh: str


Knock = Callable[[Attacker, Good, str], Awaitable[Outcome]]


@dataclass(frozen=True)
class Door:
    """One carrier. `opened_by`: the field of `Good`; `on_open_socket`: who knocks is in already."""

    knock: Knock
    opened_by: str = "access"
    form: str = r"[!-~ ]*"
    longest: int = 14_000
    on_open_socket: bool = False

    def holds(self, text: str) -> bool:
        """Whether that text can be brought here."""
        return len(text) <= self.longest and re.fullmatch(self.form, text) is not None


async def rest_header(attacker: Attacker, good: Good, token: str) -> Outcome:
    """`Authorization: Bearer` over REST."""
    return await attacker.call(
        "GET", "/api/auth/me", headers={"Authorization": f"Bearer {token}".strip()}
    )


async def rest_cookie(attacker: Attacker, good: Good, token: str) -> Outcome:
    """The access cookie over REST."""
    return await attacker.call("GET", "/api/auth/me", headers={"Cookie": f"jwt={token}"})


def query(template: str) -> Knock:
    """A parameter of the handshake's URL."""

    async def knock(attacker: Attacker, good: Good, token: str) -> Outcome:
        said = template.format(quote(token, safe=""))
        return await attacker.attempt(query=f"missions=none&{said}")

    return knock


def header(name: str, template: str) -> Knock:
    """A header of the handshake."""

    async def knock(attacker: Attacker, good: Good, token: str) -> Outcome:
        return await attacker.attempt(headers={name: template.format(token)})

    return knock


def offered(*templates: str) -> Knock:
    """Sub-protocols of the handshake."""

    async def knock(attacker: Attacker, good: Good, token: str) -> Outcome:
        return await attacker.attempt(subprotocols=[word.format(token) for word in templates])

    return knock


async def cookie(attacker: Attacker, good: Good, token: str) -> Outcome:
    """The access cookie, from a page of HQ's own."""
    return await attacker.attempt(headers={"Cookie": f"jwt={token}"}, origin=attacker.server.origin)


def message(text_of: Callable[[str], str]) -> Knock:
    """The first message of a socket that opened without a credential."""

    async def knock(attacker: Attacker, good: Good, token: str) -> Outcome:
        async with await attacker.open(subprotocols=["hq.v1"]) as socket:
            await socket.send(text_of(token))
            return await settled(socket)

    return knock


def frame(kind: str, field: str) -> Knock:
    """A frame on a socket that is open already."""

    async def knock(attacker: Attacker, good: Good, token: str) -> Outcome:
        try:
            socket = await attacker.open(good.access)
        except websockets.InvalidStatus as refused:
            return outcome_of(refused)
        async with socket:
            assert (await socket.next())["type"] == "welcome"
            await socket.send({"type": kind, field: token})
            return await settled(socket)

    return knock


async def refresh_body(attacker: Attacker, good: Good, token: str) -> Outcome:
    """The refresh token in the body."""
    answer = await attacker.http.post("/api/auth/refresh", json={"refresh": token})
    said = answer.json()
    if answer.is_success:
        return renewed(good, said["access"], said["refresh"])
    return Outcome(False, answer.status_code, said["code"])


def renewed(good: Good, access: str, refresh: str) -> Outcome:
    """The next pair of a session; its access token says which rights it is for."""
    good.access, good.refresh = access, refresh
    claims = Forge(access).claims
    return Outcome(True, 200, rights=(claims["role"], claims["clearance"]))


async def refresh_cookie(attacker: Attacker, good: Good, token: str) -> Outcome:
    """The refresh token in its cookie, with the CSRF token that a page of HQ's own has."""
    csrf = "x" * 32
    answer = await attacker.http.post(
        "/api/auth/refresh",
        json={},
        headers={
            "Cookie": f"jwt-refresh={token}; csrftoken={csrf}",
            "X-CSRFToken": csrf,
            "Origin": attacker.server.origin,
        },
    )
    attacker.http.cookies.clear()
    if answer.is_success:
        return renewed(good, answer.cookies["jwt"], answer.cookies["jwt-refresh"])
    return Outcome(False, answer.status_code, answer.json()["code"])


def first_frame(token: str) -> str:
    """`authenticate`."""
    return json.dumps({"type": "authenticate", "token": token})


COOKIE = r"[!#-+\--:<-\[\]-~]*"
PROTOCOL = r"[!#$%&'*+.^_`|~0-9A-Za-z-]*"
LIKE_A_JWT = r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*"
ANY: dict[str, Any] = {"longest": 100_000}
OPEN: dict[str, Any] = {**ANY, "on_open_socket": True}

DOORS = {
    "REST header": Door(rest_header),
    "REST cookie": Door(rest_cookie, form=COOKIE),
    "query token": Door(query("token={}"), longest=9_000),
    "query authorization": Door(query("authorization={}"), longest=9_000),
    "query bearer": Door(query("authorization=Bearer%20{}"), longest=9_000),
    "header": Door(header("Authorization", "Bearer {}")),
    "header token": Door(header("token", "{}")),
    "sub-protocol": Door(offered("hq.v1", "bearer.{}"), form=PROTOCOL),
    "bare sub-protocol": Door(offered("{}"), form=LIKE_A_JWT),
    "cookie": Door(cookie, form=COOKIE),
    "first frame": Door(message(first_frame), **ANY),
    "first text": Door(message("Authorization: Bearer {}".format), **ANY),
    "refresh in place": Door(frame("refresh", "token"), **OPEN),
    "token in a frame": Door(frame("ping", "token"), **OPEN),
    "refresh body": Door(refresh_body, "refresh", **ANY),
    "refresh cookie": Door(refresh_cookie, "refresh", form=COOKIE),
}
TICKET_DOORS = {
    "query": Door(query("ticket={}"), longest=9_000),
    "refresh in place": Door(frame("refresh", "ticket"), **OPEN),
}
