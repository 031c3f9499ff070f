"""Logs: one line an event, no secret in it, nothing that a terminal or a parser would act on."""

import json
import logging
import sys
from typing import Any

import httpx
import pytest
import structlog
import websockets
from django.db import IntegrityError

from hq_project import logs
from hq_project.masking import LONGEST, MASK
from tests.cast import HANDLER, PASSWORD
from tests.conftest import Serve
from tests.hq_server import SECRET_KEY
from tests.patience import PATIENCE

JWT = "eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJhZGEifQ.c2lnbmF0dXJl-_"
TICKET = "s3rEp0oBq2n7Vv0yTj4o9xkq1tq6b2p8WmZ3Yc5Lh1Q"
BODY = "The courier arrives at dawn."


def line_of(record: logging.LogRecord, *, development: bool = False) -> str:
    """The line that becomes of a record."""
    return logs.formatter(development=development).format(record)


def record(message: str, *args: object, **more: Any) -> logging.LogRecord:
    """A record as any library makes one."""
    return logging.LogRecord("daphne.some", logging.WARNING, "x.py", 1, message, args, **more)


def raised(error: BaseException) -> Any:
    """`exc_info` of that error, raised here."""
    try:
        raise error
    except type(error):
        return sys.exc_info()


def test_a_record_is_one_json_object() -> None:
    """When, how bad, who, what, in which process: whoever wrote it."""
    said = json.loads(line_of(record("%d of %s", 3, "five", exc_info=None)))
    assert {name: said[name] for name in ("level", "logger", "event")} == {
        "level": "warning",
        "logger": "daphne.some",
        "event": "3 of five",
    }
    assert said["at"].endswith("Z")
    assert said["process"] > 0


@pytest.mark.parametrize("development", [True, False])
def test_credentials_are_masked_in_every_part(development: bool) -> None:
    """In a message, in an argument, in what is bound to the connection, in an exception."""
    text = f"GET /missions?ticket={TICKET} {JWT}"
    with structlog.contextvars.bound_contextvars(field=text, deep={"list": [text]}):
        for one in (
            record(text, exc_info=None),
            record("%s", text, exc_info=None),
            record("failed", exc_info=raised(RuntimeError(text))),
        ):
            line = line_of(one, development=development)
            assert TICKET not in line
            assert "eyJ" not in line
            assert line.count(MASK) >= 4


@pytest.mark.parametrize("development", [True, False])
def test_nothing_ends_a_line_or_acts_on_a_terminal(development: bool) -> None:
    """CR LF, escapes, separators of Unicode and right-to-left marks are shown, not sent."""
    bad = "a\r\nFORGED\x1b[2J\x9b31m\x7f\x00\u2028\u202e\u0085b"
    line = line_of(record("by %s", bad, exc_info=None), development=development)
    assert line.isprintable()
    assert line.isascii()
    assert "FORGED" in line


def test_a_traceback_stays_on_its_line_and_says_nothing_of_the_input() -> None:
    """In production: where, of which type, from which cause; what the database quotes is left out.

    What the system says of itself is kept.
    """
    try:
        try:
            raise IntegrityError(f"Failing row contains ({BODY})")
        except IntegrityError as cause:
            raise ValueError(BODY) from cause
    except ValueError:
        line = line_of(record("failed", exc_info=sys.exc_info()))
    assert BODY not in line
    assert "\n" not in line
    exception = json.loads(line)["exception"]
    assert "in test_a_traceback_stays_on_its_line" in exception
    assert exception.index("django.db.utils.IntegrityError\n") < exception.index("ValueError")
    group = raised(ExceptionGroup(BODY, [OSError("no space left")]))
    line = line_of(record("failed", exc_info=group))
    assert BODY not in line
    assert "OSError: no space left" in line


def test_a_developer_sees_the_whole_exception() -> None:
    """Readable, over as many lines as it needs."""
    line = line_of(record("failed", exc_info=raised(ValueError("of all things"))), development=True)
    assert "ValueError: of all things" in line.splitlines()[-1]


def test_a_very_long_value_is_cut() -> None:
    """What somebody sent in bulk does not fill the disk."""
    assert len(line_of(record("%s", "x" * 1_000_000, exc_info=None))) < LONGEST + 1_000


PRODUCTION = {
    "HQ_DEBUG": "0",
    "HQ_SECRET_KEY": SECRET_KEY,
    "HQ_PUBLIC_ORIGIN": "https://hq.example.org",
}


async def test_a_server_writes_json_lines_and_no_secret(serve: Serve) -> None:
    """Of answers, refusals and closed sockets, to clients that try to forge lines."""
    hq = serve(settings=PRODUCTION)
    who = {"username": HANDLER.username, "password": PASSWORD, "transport": "body"}
    async with httpx.AsyncClient(trust_env=False, base_url=hq.url, timeout=PATIENCE) as client:
        pair = (await client.post("/api/auth/login", json=who)).json()
        bad = {"User-Agent": "x\x1b[2J", "Authorization": f"Bearer {JWT}"}
        await client.get(f"/nothing%0d%0aFORGED?token={JWT}", headers=bad)
        refused = await client.post("/api/auth/login", json={**who, "password": BODY})
    assert refused.status_code == 401
    with pytest.raises(websockets.InvalidStatus):
        await websockets.connect(f"{hq.socket_url}?token={JWT}")
    async with websockets.connect(f"{hq.socket_url}?token={pair['access']}") as socket:
        welcome = json.loads(await socket.recv())
    hq.wait_until(lambda: "socket closed" in hq.log.read_text(), within=PATIENCE)
    assert hq.stop() == 0
    said = hq.log.read_text()
    lines = [line for line in said.splitlines() if not line.startswith("HQ listens on")]
    events = [json.loads(line) for line in lines]
    assert all(line.isascii() and line.isprintable() for line in lines)
    assert {"answered", "socket refused", "socket closed"} <= {one["event"] for one in events}
    assert welcome["type"] == "welcome"
    for secret in ("eyJ", PASSWORD, BODY, pair["refresh"][-20:]):
        assert secret not in said
