"""The audit log: each row chained to the one before, and any tampering named by its first row."""

import datetime as dt
import importlib
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction

from agents import audit
from agents.audit import Fault
from agents.models import AuditEvent, AuditHead

pytestmark = pytest.mark.django_db

APPEND_ONLY = importlib.import_module("agents.migrations.0003_audit_append_only")
NO_REPLACEMENT = importlib.import_module("agents.migrations.0004_audit_no_replacement")


@pytest.fixture
def append_only(db: None) -> None:
    """The triggers of the product, for this test's transaction."""
    with connection.cursor() as cursor:
        statements = {
            "sqlite": APPEND_ONLY.SQLITE + NO_REPLACEMENT.SQLITE,
            "postgresql": APPEND_ONLY.POSTGRES,
        }
        for statement in statements[connection.vendor]:
            cursor.execute(statement)


def test_rows_are_numbered_and_chained(log: list[AuditEvent]) -> None:
    """Numbers are dense and each row names the digest of the one before; the whole log verifies."""
    assert [row.number for row in log] == [1, 2, 3, 4, 5]
    assert [row.previous for row in log[1:]] == [row.digest for row in log[:-1]]
    assert audit.first_bad() is None


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("event", "authn_login_fail"),
        ("at", dt.datetime(2020, 1, 1, tzinfo=dt.UTC)),
        ("address", "192.0.2.2"),
        ("details", {"nth": 7}),
        ("digest", "f" * 64),
    ],
)
def test_an_edited_row_is_named(log: list[AuditEvent], field: str, value: Any) -> None:
    """Whatever was edited, the row is the first bad one."""
    AuditEvent.objects.filter(number=3).update(**{field: value})
    assert audit.first_bad() == Fault(3, "was edited")


def test_a_row_edited_with_its_digest_breaks_the_next(log: list[AuditEvent]) -> None:
    """Whoever computes the digest anew is caught by the chain."""
    row = log[2]
    row.event = "authn_login_fail"
    row.digest = audit.digest_of(row)
    row.save()
    assert audit.first_bad() == Fault(4, "does not follow the row before it")


def test_a_deleted_row_is_named(log: list[AuditEvent]) -> None:
    """A hole is named by the number that is missing."""
    AuditEvent.objects.filter(number=2).delete()
    assert audit.first_bad() == Fault(2, "is missing")


def test_reordered_rows_are_named(log: list[AuditEvent]) -> None:
    """Two rows that change places break the chain at the first of them."""
    AuditEvent.objects.filter(number=2).update(number=99)
    AuditEvent.objects.filter(number=3).update(number=2)
    AuditEvent.objects.filter(number=99).update(number=3)
    assert audit.first_bad() == Fault(2, "does not follow the row before it")


def test_a_cut_off_end_shows_against_the_head(log: list[AuditEvent]) -> None:
    """The head remembers how far the log had come."""
    AuditEvent.objects.filter(number__gte=4).delete()
    assert audit.first_bad() == Fault(4, "is missing at the end")


def test_a_head_that_was_set_back_is_noticed(log: list[AuditEvent]) -> None:
    """And one that names another digest, or is gone."""
    said = "is not what the head of the log says"
    AuditHead.objects.update(number=3, digest=log[2].digest)
    assert audit.first_bad() == Fault(5, said)
    AuditHead.objects.update(number=5, digest=log[2].digest)
    assert audit.first_bad() == Fault(5, said)
    AuditHead.objects.all().delete()
    assert audit.first_bad() == Fault(5, said)


def test_rows_that_come_meanwhile_are_no_fault(
    log: list[AuditEvent], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A log is verified while HQ runs: here a row comes after each chunk that is read."""
    monkeypatch.setattr(audit, "CHUNK", 2)
    coming = iter(range(9))
    busy = False

    def meanwhile(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        nonlocal busy
        found = execute(sql, params, many, context)
        if not busy and next(coming, None) is not None:
            busy = True
            audit.record("ws_connect")
            busy = False
        return found

    with connection.execute_wrapper(meanwhile):
        assert audit.first_bad() is None
    assert AuditEvent.objects.count() > 5 + 4  # how many reads there are is the database's affair


def test_an_event_falls_with_its_transaction(log: list[AuditEvent]) -> None:
    """What is rolled back was never written, and its number is used by the next."""
    with transaction.atomic():
        audit.record("authz_fail")
        transaction.set_rollback(True)
    audit.record("authz_fail")
    assert AuditEvent.objects.get(number=6).event == "authz_fail"
    assert audit.first_bad() is None


@pytest.mark.parametrize(
    "verb", ["UPDATE agents_auditevent SET event = 'x'", "DELETE FROM agents_auditevent"]
)
def test_the_database_refuses_changes(log: list[AuditEvent], append_only: None, verb: str) -> None:
    """Neither UPDATE nor DELETE passes the triggers; inserting does."""
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        connection.cursor().execute(verb)
    audit.record("authz_fail")
    assert audit.first_bad() is None


ROW = "number, at, event, details, previous, digest"
OTHER = "at, 'x', details, previous, digest FROM agents_auditevent WHERE number = 3"
REPLACEMENTS = {
    "sqlite": [
        f"REPLACE INTO agents_auditevent ({ROW}) SELECT 3, {OTHER}",
        f"INSERT OR REPLACE INTO agents_auditevent ({ROW}) SELECT 3, {OTHER}",
        (
            f"INSERT INTO agents_auditevent ({ROW}) SELECT 3, {OTHER}"
            " ON CONFLICT (number) DO UPDATE SET event = 'x'"
        ),
        f"REPLACE INTO agents_auditevent (rowid, {ROW}) SELECT rowid, 6, {OTHER}",
        f"INSERT INTO agents_auditevent ({ROW}) SELECT 0, {OTHER}",
    ],
    "postgresql": [
        (
            f"INSERT INTO agents_auditevent ({ROW}) SELECT 3, {OTHER}"
            " ON CONFLICT (number) DO UPDATE SET event = 'x'"
        )
    ],
}


def test_the_database_refuses_to_replace(log: list[AuditEvent], append_only: None) -> None:
    """A row written over another one asks no trigger of DELETE; appending several at once goes."""
    for statement in REPLACEMENTS[connection.vendor]:
        with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
            connection.cursor().execute(statement)
    audit.append([audit.Entry(log[0].at, "authz_fail")] * 3)
    assert AuditEvent.objects.count() == 8
    assert audit.first_bad() is None


def test_the_database_refuses_to_truncate(log: list[AuditEvent], append_only: None) -> None:
    """PostgreSQL's TRUNCATE passes row triggers; the statement trigger stops it."""
    statement = {
        "postgresql": "TRUNCATE agents_auditevent",
        "sqlite": "DELETE FROM agents_auditevent",
    }[connection.vendor]
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        connection.cursor().execute(statement)
