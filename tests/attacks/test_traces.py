"""R10: what the whole run left in logs, of every server that any test started. Runs last of all."""

import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.cast import PASSWORD
from tests.rest_client import RestClient

MIGRATED = "SELECT 1 FROM sqlite_master WHERE name = 'missions_update'"

SECRET_FORMS = {
    "a token": r"eyJ[A-Za-z0-9_-]{10}",
    "a ticket in an address": r"ticket=(?!\[masked\])[A-Za-z0-9_-]{20}",
    "a private key": r"PRIVATE KEY-----\s*\w",
    "a password": re.escape(PASSWORD),
}
SHORTEST_BODY = 12
"""Shorter ones, such as `b`, are in every text, and so are single words, such as `confidential`."""


def logs(folder: Path) -> Iterator[tuple[Path, str]]:
    """Every log that the run wrote, with its text: HQ's, Redis's, a proxy's."""
    for path in sorted(folder.rglob("*.log")):
        yield path, path.read_text(encoding="utf-8", errors="replace")


def bodies(folder: Path) -> set[str]:
    """What was said in any mission of any SQLite database of the run."""
    said: set[str] = set()
    for path in folder.rglob("hq.sqlite3"):
        with closing(sqlite3.connect(path, timeout=20)) as database:
            if not database.execute(MIGRATED).fetchone():
                continue
            said |= {body for (body,) in database.execute("SELECT body FROM missions_update")}
            said |= {text for (text,) in database.execute("SELECT objective FROM missions_mission")}
    return {body for body in said if len(body) >= SHORTEST_BODY and " " in body.strip()}


def test_no_log_holds_a_secret(tmp_path_factory: pytest.TempPathFactory) -> None:
    """R10: no token, ticket, key or password, and nothing that was said in a mission."""
    folder = tmp_path_factory.getbasetemp()
    found = []
    said = bodies(folder)
    for path, text in logs(folder):
        found += [(path.name, what) for what, form in SECRET_FORMS.items() if re.search(form, text)]
        found += [(path.name, "a ticket") for ticket in RestClient.tickets if ticket in text]
        found += [(path.name, body[:40]) for body in said if body in text]
    assert found == []
