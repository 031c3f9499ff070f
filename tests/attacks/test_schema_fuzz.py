"""Schemathesis over `/api/schema`, against the running server: whatever the schema allows, and what
it forbids, gets an answer below 500 that the schema describes."""

import asyncio
import os
import sys
from pathlib import Path

from tests.attacks.enlist import STAFF
from tests.attacks.siege import failures
from tests.hq_server import HQServer
from tests.rest_client import RestClient

EXAMPLES = 5
"""Of each operation and phase."""

CHECKS = "not_a_server_error,response_schema_conformance,content_type_conformance"
ENDS_THE_SESSION = "logout|end_other_sessions|end_session"


async def test_the_schema_keeps_its_word(fort: HQServer, tmp_path: Path) -> None:
    """No 5xx, and every answer as the schema has it."""
    program = Path(sys.executable).with_name("schemathesis")
    async with await RestClient(fort).login(STAFF) as client:
        done = await asyncio.create_subprocess_exec(
            program,
            "run",
            f"{fort.url}/api/schema",
            f"--header=Authorization: Bearer {client.access}",
            f"--checks={CHECKS}",
            f"--max-examples={EXAMPLES}",
            "--phases=examples,coverage,fuzzing",
            f"--exclude-operation-id-regex={ENDS_THE_SESSION}",
            "--generation-deterministic",
            "--request-timeout=20",
            "--suppress-health-check=all",
            "--no-color",
            cwd=tmp_path,
            env={**os.environ, "SCHEMATHESIS_HOOKS": ""},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        said, _ = await done.communicate()
        assert done.returncode == 0, said.decode()[-6000:]
        assert await client.call("GET", "/api/auth/me")
    assert failures(fort.log) == []
