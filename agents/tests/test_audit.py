"""The audit log: each row chained to the one before, and any tampering named by its first row."""

import datetime as dt
import importlib
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection, transaction
from pytest_django import Settings

from agents import audit, checkpoints, notebook
from agents.audit import Entry, Fault
from agents.models import AuditEvent, AuditHead

pytestmark = pytest.mark.django_db

APPEND_ONLY = importlib.import_module("agents.migrations.0003_audit_append_only")


@pytest.fixture
def log(settings: Settings, tmp_path: Path) -> list[AuditEvent]:
    """Five rows, and a folder of its own for checkpoints."""
    settings.HQ_AUDIT_CHECKPOINTS = str(tmp_path / "audit" / "checkpoints.jsonl")
    for number in range(5):
        audit.record("authn_login_success", address="192.0.2.1", nth=number)
    return list(AuditEvent.objects.order_by("number"))


@pytest.fixture
def append_only(db: None) -> None:
    """The triggers of the product, for this test's transaction."""
    with connection.cursor() as cursor:
        statements = {"sqlite": APPEND_ONLY.SQLITE, "postgresql": APPEND_ONLY.POSTGRES}
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


def test_a_cut_with_the_head_set_back_shows_against_a_checkpoint(log: list[AuditEvent]) -> None:
    """The chain is whole again for whoever sets the head back; the signed checkpoint is not."""
    checkpoints.write(AuditHead.objects.get(pk=1))
    AuditEvent.objects.filter(number__gte=4).delete()
    AuditHead.objects.update(number=3, digest=log[2].digest)
    assert audit.first_bad() is None
    assert checkpoints.first_bad() == Fault(4, "is missing: the log had reached 5")
    with pytest.raises(CommandError, match="Row 4 is missing"):
        call_command("verify_audit")


def test_a_log_written_anew_shows_against_a_checkpoint(log: list[AuditEvent]) -> None:
    """A chain that was made anew from some row on is whole in itself, and not what was signed."""
    checkpoints.write(AuditHead.objects.get(pk=1))
    AuditEvent.objects.filter(number=5).delete()
    AuditHead.objects.update(number=4, digest=log[3].digest)
    audit.record("something_else")
    assert audit.first_bad() is None
    assert checkpoints.first_bad() == Fault(5, "is not what a checkpoint says")


def test_a_forged_checkpoint_is_named(log: list[AuditEvent], settings: Settings) -> None:
    """A checkpoint that no key of the installation signed counts as a fault."""
    checkpoints.write(AuditHead.objects.get(pk=1))
    path = Path(settings.HQ_AUDIT_CHECKPOINTS)
    path.write_text(path.read_text().replace('"number": 5', '"number": 4'))
    fault = checkpoints.first_bad()
    assert fault is not None
    assert "not signed" in fault.reason


def test_a_whole_log_verifies(log: list[AuditEvent], capsys: pytest.CaptureFixture[str]) -> None:
    """The command says how many rows it read."""
    checkpoints.write(AuditHead.objects.get(pk=1))
    call_command("verify_audit")
    assert "whole: 5 rows" in capsys.readouterr().out


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


def test_the_database_refuses_to_truncate(log: list[AuditEvent], append_only: None) -> None:
    """PostgreSQL's TRUNCATE passes row triggers; the statement trigger stops it."""
    statement = {
        "postgresql": "TRUNCATE agents_auditevent",
        "sqlite": "DELETE FROM agents_auditevent",
    }[connection.vendor]
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        connection.cursor().execute(statement)


def test_refusals_are_folded_by_address_and_reason(log: list[AuditEvent]) -> None:
    """A thousand forged tokens of one address are one row with a count; another address its own."""
    book = notebook.Notebook()
    at = log[0].at
    for _ in range(1000):
        book.fold(Entry(at, "authn_token_refused", address="192.0.2.9"), "token_invalid")
    book.fold(Entry(at, "authn_token_refused", address="192.0.2.10"), "token_invalid")
    book.flush()
    rows = AuditEvent.objects.filter(event="authn_token_refused").order_by("number")
    assert [(row.address, row.details["count"]) for row in rows] == [
        ("192.0.2.9", 1000),
        ("192.0.2.10", 1),
    ]


def test_what_does_not_fit_is_counted(
    log: list[AuditEvent], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The queue is bounded, and says how much it lost."""
    monkeypatch.setattr(notebook, "MOST", 2)
    book = notebook.Notebook()
    for _ in range(5):
        book.note(Entry(log[0].at, "connection_opened"))
    book.flush()
    assert AuditEvent.objects.get(event="audit_overflow").details == {"dropped": 3}
