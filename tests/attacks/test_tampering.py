"""R9: the audit log after all attacks, in the hands of somebody who can write the database."""

import asyncio
import json
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from tests.attacks.attacker import rows
from tests.hq_server import HQServer
from tests.processes import ROOT


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE agents_auditevent SET event = 'x' WHERE number = 2",
        "DELETE FROM agents_auditevent WHERE number = 2",
        "DELETE FROM agents_auditevent",
        (
            "REPLACE INTO agents_auditevent SELECT number, at, 'x', actor, subject, session,"
            " address, details, previous, digest FROM agents_auditevent WHERE number = 2"
        ),
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
    gone = tmp_path / "gone.jsonl"
    code, words = await asyncio.to_thread(verified, fort, tmp_path, gone, "cut off, head set back")
    assert code == 1
    assert "There is no checkpoint in" in words


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
