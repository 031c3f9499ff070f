"""R7: what a client says cannot break a line of the log, forge one, or act on a terminal."""

import json

from tests.attacks.attacker import Attacker, rows
from tests.attacks.trail import Trail
from tests.cast import NOVICE, PASSWORD
from tests.hq_server import HQServer
from tests.serving.wire import Wire

EVIL = 'x\r\n{"event": "forged", "level": "critical"}\r\n\x1b]0;pwned\x07\x1b[31m\u202e\u2028\x85'


async def test_a_line_of_the_log_is_one_event(
    gate: HQServer, besieger: Attacker, gate_trail: Trail
) -> None:
    """R7: names, User-Agent, paths, origins and bodies with CR LF and escapes; in production."""
    for said in (
        {"username": EVIL, "password": "x"},
        {"username": "x", "password": EVIL},
        {"username": "x", "password": "y", EVIL: 1},
    ):
        answer = await besieger.http.post("/api/auth/login", json=said)
        assert answer.status_code in (400, 401, 429)
    # What HTTP itself lets through in a header.
    raw = EVIL.replace("\r\n", " ").replace("\x85", "").encode().decode("latin-1")
    for path, *lines in (
        ["/api/auth/me", f"User-Agent: {raw}"],
        ["/api/%0d%0a%7b%22event%22:%22forged%22%7d%1b[31m"],
        ["/missions?token=%0d%0aforged%1b", f"User-Agent: {raw}", f"Origin: {raw}"],
        [f"/{raw.replace(' ', '')}", f"Authorization: Bearer {raw}"],
        ["/admin/login/?next=%0d%0aSet-Cookie:forged", f"Referer: {raw}"],
    ):
        with besieger.wire() as wire:
            wire.send(
                "\r\n".join([f"GET {path} HTTP/1.1", "Host: localhost", *lines, "", ""]).encode(
                    "latin-1"
                )
            )
            assert wire.read(12).startswith(b"HTTP/1.1 ")
    who = {"username": NOVICE.username, "password": PASSWORD, "transport": "body"}
    with Wire(gate) as wire:
        body = json.dumps(who).encode()
        response = wire.request(
            "POST /api/auth/login HTTP/1.1",
            "Host: localhost",
            "Content-Type: application/json",
            f"Content-Length: {len(body)}",
            f"User-Agent: {raw}",
            body=body,
        )
        assert response.status == 200
    kept = rows(gate, "SELECT user_agent FROM agents_session WHERE user_agent LIKE '%forged%'")
    assert kept
    assert all(agent.isprintable() for (agent,) in kept)
    announced = "HQ listens on "  # to whoever started it
    lines_said = [
        line
        for line in gate.log.read_text(encoding="utf-8").split("\n")
        if line and not line.startswith(announced)
    ]
    events = [json.loads(line) for line in lines_said]
    assert len(events) > 5
    assert not [event for event in events if event.get("event") == "forged"]
    assert not [line for line in lines_said if not line.isprintable()]
    gate_trail.owes("authn_login_fail", "invalid_credentials", besieger.address, attempts=2)
    gate_trail.owes("input_validation_fail", "invalid POST", besieger.address, attempts=1)
    gate_trail.owes("authn_token_refused", "token_missing GET", besieger.address, attempts=1)
    assert "forged" not in str(rows(gate, "SELECT event, details, address FROM agents_auditevent"))
