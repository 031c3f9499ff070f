"""HQ as a role of PostgreSQL that owns nothing, made by the script that compose gives the image."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from tests.cast import DIRECTOR
from tests.faults.site import OneDatabase
from tests.hq_server import HQServer, clean_environment
from tests.postgres_server import PostgresServer, programs
from tests.processes import ROOT
from tests.rest_client import RestClient

ENLIST = "import django; django.setup(); from tests.cast import enlist; enlist()"


@pytest.fixture(scope="module")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgresServer]:
    """A cluster as the image makes it, with the roles of the script, migrated by the owner."""
    folder = tmp_path_factory.mktemp("roles")
    server = PostgresServer(folder / "postgres.log", superuser="postgres")
    try:
        server.start()
        server.create("hq")
        for name, role in (("database_url", "hq"), ("database_owner_url", "hq_owner")):
            (folder / name).write_text(f"postgres://{role}:of-{role}@postgres:5432/hq\n")
        script = os.environ | {
            "PATH": f"{programs()}:{os.environ['PATH']}",
            "POSTGRES_USER": "postgres",
            "POSTGRES_DB": "hq",
            "SECRETS": str(folder),
            "PGHOST": "127.0.0.1",
            "PGPORT": str(server.port),
        }
        subprocess.run([ROOT / "deploy" / "postgres-roles.sh"], env=script, check=True)
        env = clean_environment() | {
            "HQ_DEBUG": "1",
            "HQ_VAR_DIR": str(folder),
            "DJANGO_SETTINGS_MODULE": "hq_project.settings",
        }
        for role, command in (("hq_owner", ["manage.py", "migrate"]), ("hq", ["-c", ENLIST])):
            subprocess.run(
                [sys.executable, *command],
                cwd=ROOT,
                env=env | {"DATABASE_URL": server.url("hq", role)},
                check=True,
                capture_output=True,
            )
        yield server
    finally:
        server.remove()


def test_the_roles_have_their_passwords_and_no_rights_of_a_superuser(
    postgres: PostgresServer,
) -> None:
    """Each its own password, from the URL that HQ gets."""
    with psycopg.connect(postgres.url("hq")) as connection:
        roles = connection.execute(
            "SELECT rolname, rolsuper, rolcreaterole, rolcreatedb,"
            " rolpassword LIKE 'SCRAM-SHA-256$%'"
            " FROM pg_authid WHERE rolname LIKE 'hq%' ORDER BY rolname"
        ).fetchall()
    assert roles == [(name, False, False, False, True) for name in ("hq", "hq_owner")]


async def test_hq_runs_as_a_role_that_owns_nothing(
    postgres: PostgresServer, tmp_path: Path
) -> None:
    """Logs in, publishes, and leaves its security log."""
    hq = HQServer(tmp_path / "hq", OneDatabase(postgres.url("hq", "hq")))
    hq.start()
    try:
        async with await RestClient(hq).login(DIRECTOR) as director:
            mission = await director.create_mission("Tenant")
            update = await director.publish(mission, "Not mine, but I live here.")
            log = await director.log(mission)
            assert [one["update"]["id"] for one in log] == [update["id"]]
    finally:
        assert hq.stop() == 0
    assert "ERROR" not in hq.log.read_text()
    assert "The audit log is whole" in hq.manage("verify_audit")


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE agents_auditevent SET event = 'x'",
        "DELETE FROM agents_auditevent",
        "TRUNCATE agents_auditevent",
        "DROP TABLE agents_auditevent",
        "DROP TRIGGER agents_auditevent_no_change ON agents_auditevent",
        "ALTER TABLE agents_auditevent DISABLE TRIGGER ALL",
        "DROP FUNCTION agents_auditevent_refuse CASCADE",
        (
            "CREATE OR REPLACE FUNCTION agents_auditevent_refuse() RETURNS trigger LANGUAGE plpgsql"
            " AS $$ BEGIN RETURN NEW; END $$"
        ),
        "SET session_replication_role = replica",
        "CREATE TABLE beside (number integer)",
        "SET ROLE hq_owner",
    ],
)
def test_hq_can_neither_change_the_audit_log_nor_what_guards_it(
    change: str, postgres: PostgresServer
) -> None:
    """PostgreSQL refuses before any trigger is asked."""
    with (
        psycopg.connect(postgres.url("hq", "hq"), autocommit=True) as connection,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
    ):
        connection.execute(change)
