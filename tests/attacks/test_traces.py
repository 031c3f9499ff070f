"""R10: what the whole run left in logs, of every server that any test started. Runs last of all."""

import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import psycopg
import pytest

from tests.cast import DIRECTOR, PASSWORD
from tests.hq_server import HQServer
from tests.patience import PATIENCE
from tests.postgres_server import PostgresServer
from tests.rest_client import Refused, RestClient

MIGRATED = "SELECT 1 FROM sqlite_master WHERE name = 'missions_update'"
MIGRATED_ON_POSTGRES = "SELECT 1 FROM pg_tables WHERE tablename = 'missions_update'"
SAID = "SELECT body FROM missions_update UNION SELECT objective FROM missions_mission"

SECRET_FORMS = {
    "a token": r"eyJ[A-Za-z0-9_-]{10}",
    "a ticket in an address": r"ticket=(?!\[masked\])[A-Za-z0-9_-]{20}",
    "a private key": r"PRIVATE KEY-----\s*\w",
    "a password": re.escape(PASSWORD),
}
UNLUCKY = "The padlock of the north gate is open."
SHORTEST_BODY = 12
"""Shorter ones, such as `b`, are in every text, and so are single words, such as `confidential`."""


def logs(folder: Path) -> Iterator[tuple[Path, str]]:
    """Every log that the run wrote, with its text: HQ's, Redis's, PostgreSQL's, a proxy's."""
    for path in sorted(folder.rglob("*.log")):
        yield path, path.read_text(encoding="utf-8", errors="replace")


def bodies(folder: Path, postgres: PostgresServer | None = None) -> set[str]:
    """What was said in any mission of the SQLite databases of a folder, and of that PostgreSQL."""
    said: set[str] = set()
    for path in folder.rglob("hq.sqlite3"):
        with closing(sqlite3.connect(path, timeout=20)) as database:
            if database.execute(MIGRATED).fetchone():
                said |= {text for (text,) in database.execute(SAID)}
    for url in map(postgres.url, postgres.databases()) if postgres else ():
        with psycopg.connect(url) as connection:
            if connection.execute(MIGRATED_ON_POSTGRES).fetchone():
                said |= {text for (text,) in connection.execute(SAID)}
    return {body for body in said if len(body) >= SHORTEST_BODY and " " in body.strip()}


async def test_a_write_that_failed_is_not_in_the_databases_log(
    hq_on_postgres: HQServer, postgres_server: PostgresServer
) -> None:
    """PostgreSQL logs each statement that failed: what was to be written is not in it."""
    assert hq_on_postgres.env is not None
    begin = postgres_server.log.stat().st_size
    async with RestClient(hq_on_postgres) as director:
        await director.login(DIRECTOR)
        mission = await director.create_mission("Padlock")
        with psycopg.connect(hq_on_postgres.env["DATABASE_URL"]) as other:
            other.execute("LOCK TABLE missions_update IN EXCLUSIVE MODE")
            with pytest.raises(Refused) as refused:
                await director.publish(mission, UNLUCKY)

            def said() -> str:
                return postgres_server.log.read_bytes()[begin:].decode(errors="replace")

            # Logged when PostgreSQL gives up the wait for the lock: hence while that is held.
            failed = 'STATEMENT:  INSERT INTO "missions_update"'
            postgres_server.wait_until(lambda: failed in said(), within=PATIENCE)
    assert refused.value.status == 503
    assert UNLUCKY not in said()


def test_no_log_holds_a_secret(
    tmp_path_factory: pytest.TempPathFactory, postgres_server: PostgresServer
) -> None:
    """R10: no token, ticket, key or password, and nothing that was said in a mission."""
    folder = tmp_path_factory.getbasetemp()
    found = []
    said = bodies(folder, postgres_server)
    assert postgres_server.log in {path for path, _ in logs(folder)}
    for path, text in logs(folder):
        found += [(path.name, what) for what, form in SECRET_FORMS.items() if re.search(form, text)]
        found += [(path.name, "a ticket") for ticket in RestClient.tickets if ticket in text]
        found += [(path.name, body[:40]) for body in said if body in text]
    assert found == []
