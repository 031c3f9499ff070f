"""The audit log after all attacks: each left its row, folded, and none left a secret. R9."""

import asyncio
import json
import re
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from tests.attacks.attacker import rows
from tests.attacks.trail import Trail, eventually
from tests.cast import PASSWORD
from tests.hq_server import HQServer
from tests.processes import ROOT
from tests.rest_client import RestClient


@pytest.mark.parametrize("which", ["trail", "gate_trail"])
async def test_every_attack_left_its_row(which: str, request: pytest.FixtureRequest) -> None:
    """By the address it came from, with reason and count; a folded row is there within seconds."""
    trail: Trail = request.getfixturevalue(which)

    def missing() -> list[tuple[str, str, str]]:
        # Over REST the reason also names the call.
        there = {
            (row.event, str(row.details.get("reason")).partition(" ")[0], row.address)
            for row in trail.rows()
        }
        return [owed for owed in trail.owed if owed not in there]

    await eventually(lambda: not missing(), "what tests owe", trail.rows)
    for event, reason, address in trail.owed:
        counts = [row.details["count"] for row in trail.rows(event=event, address=address)]
        assert counts, (event, reason)
        assert all(count >= 1 for count in counts)


async def test_a_flood_of_refusals_costs_few_rows(fort: HQServer, trail: Trail) -> None:
    """Each address made dozens of bad attempts in a moment: rows are far fewer than attempts."""
    refused = [row for row in trail.rows(event="authn_token_refused") if "count" in row.details]
    attempts = sum(row.details["count"] for row in refused)
    assert attempts >= len(refused)
    assert len(trail.rows()) < 20_000


async def test_the_log_holds_no_secret(fort: HQServer, gate: HQServer) -> None:
    """No token, ticket or password, whatever was sent where."""
    for server in (fort, gate):
        said = str(rows(server, "SELECT event, details, address FROM agents_auditevent"))
        assert "eyJ" not in said
        assert PASSWORD not in said
        assert not [ticket for ticket in RestClient.tickets if ticket in said]


async def test_no_attack_left_a_traceback(fort: HQServer, gate: HQServer, keep: HQServer) -> None:
    """Nothing that a client sent failed inside HQ, and all servers are ready for more."""
    for server in (fort, gate, keep):
        said = server.log.read_text(encoding="utf-8")
        assert "Traceback" not in said
        assert '"exception"' not in said
        assert not re.search(r"code(=|\": )1011", said)
        async with RestClient(server) as client:
            await client.call("GET", "/readyz")


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE agents_auditevent SET event = 'x' WHERE number = 2",
        "DELETE FROM agents_auditevent WHERE number = 2",
        "DELETE FROM agents_auditevent",
    ],
)
def test_the_database_itself_refuses(fort: HQServer, change: str) -> None:
    """R9: the triggers stand on a running server's database."""
    with pytest.raises(sqlite3.IntegrityError):
        rows(fort, change)


HEAD_SET_BACK = (
    "UPDATE agents_audithead SET number = 3,"
    " digest = (SELECT digest FROM agents_auditevent WHERE number = 3)"
)
TAMPERED: dict[str, tuple[list[str], str]] = {
    "untouched": ([], ""),
    "edited": (["UPDATE agents_auditevent SET address = '192.0.2.1' WHERE number = 3"], "Row 3 "),
    "deleted": (["DELETE FROM agents_auditevent WHERE number = 3"], "Row 3 "),
    "reordered": (
        [
            "UPDATE agents_auditevent SET number = 0 WHERE number = 3",
            "UPDATE agents_auditevent SET number = 3 WHERE number = 4",
            "UPDATE agents_auditevent SET number = 4 WHERE number = 0",
        ],
        "Row 3 ",
    ),
    "cut off": (["DELETE FROM agents_auditevent WHERE number > 3"], "Row 4 "),
    "cut off, head set back": (
        [
            "DELETE FROM agents_auditevent WHERE number > 3",
            HEAD_SET_BACK,
        ],
        "Row 4 ",
    ),
}


async def test_tampering_is_named(fort: HQServer, tmp_path: Path) -> None:
    """R9: on copies without triggers, as an attacker leaves them, `verify_audit` names the row."""
    checkpoints = fort.log.with_name("audit") / "checkpoints.jsonl"
    reached = max(json.loads(line)["number"] for line in checkpoints.read_text().splitlines())
    assert reached > 3
    kept = tmp_path / "checkpoints.jsonl"
    shutil.copy(checkpoints, kept)
    said = await asyncio.gather(
        *(asyncio.to_thread(verified, fort, tmp_path, kept, name) for name in TAMPERED)
    )
    for (name, (_, first_bad)), (code, words) in zip(TAMPERED.items(), said, strict=True):
        assert (code == 0) == (name == "untouched"), (name, words)
        assert first_bad in words, (name, words)


def verified(server: HQServer, folder: Path, checkpoints: Path, name: str) -> tuple[int, str]:
    """Exit code and words of `verify_audit` on a copy that was tampered with."""
    copy = folder / f"{name}.sqlite3"
    with (
        closing(sqlite3.connect(server.log.with_name("hq.sqlite3"), timeout=20)) as source,
        closing(sqlite3.connect(copy)) as target,
        target,
    ):
        source.backup(target)
        triggers = target.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'")
        for (trigger,) in triggers.fetchall():
            target.execute(f'DROP TRIGGER "{trigger}"')
        for statement in TAMPERED[name][0]:
            target.execute(statement)
    assert server.env is not None
    settings = {"DATABASE_URL": f"sqlite:///{copy}", "HQ_AUDIT_CHECKPOINTS": str(checkpoints)}
    command = [sys.executable, "manage.py", "verify_audit"]
    done = subprocess.run(
        command,
        env={**server.env, **settings},
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr
