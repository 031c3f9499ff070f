"""The notebook: events that no transaction waits for are kept, folded, counted, and never lost."""

import uuid
from pathlib import Path
from typing import Any

import pytest
from django.db import OperationalError, connection
from pytest_django.fixtures import Settings

from agents import audit, notebook
from agents.audit import Entry
from agents.models import AuditEvent, AuditHead
from agents.notebook import Notebook

pytestmark = pytest.mark.django_db


def test_refusals_are_folded_by_address_and_reason(log: list[AuditEvent]) -> None:
    """A thousand forged tokens of one address are one row with a count; another address its own."""
    book = Notebook(by_itself=False)
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


def test_an_ipv6_network_is_one_address(log: list[AuditEvent]) -> None:
    """Whoever has a /64 has as many addresses as it takes to fill a table."""
    book = Notebook(by_itself=False)
    for number in range(2000):
        entry = Entry(log[0].at, "authn_token_refused", address=f"2001:db8:1:2::{number:x}")
        book.fold(entry, "token_invalid")
    book.fold(Entry(log[0].at, "authn_token_refused", address="2001:db8:1:3::"), "token_invalid")
    book.flush()
    rows = AuditEvent.objects.filter(event="authn_token_refused").order_by("number")
    assert [(row.address, row.details["count"]) for row in rows] == [
        ("2001:db8:1:2::", 2000),
        ("2001:db8:1:3::", 1),
    ]


def test_what_does_not_fit_is_counted(
    log: list[AuditEvent], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The queue is bounded, and says how much it lost."""
    monkeypatch.setattr(notebook, "MOST", 2)
    book = Notebook(by_itself=False)
    for _ in range(5):
        book.note(Entry(log[0].at, "ws_connect"))
    book.flush()
    assert AuditEvent.objects.get(event="audit_overflow").details == {"dropped": 3}


def test_refusals_of_agents_are_folded_by_agent(own_notebook: Notebook) -> None:
    """Two agents behind one address are told apart; events keep their order."""
    one, other = uuid.uuid4(), uuid.uuid4()
    for actor in (one, other, one):
        notebook.refused("authz_fail", "forbidden publish", "192.0.2.9", actor=actor)
    notebook.note("ws_close", actor=one)
    own_notebook.flush()
    rows = AuditEvent.objects.order_by("number")
    assert [(row.event, row.actor, row.details.get("count")) for row in rows] == [
        ("ws_close", one, None),
        ("authz_fail", one, 2),
        ("authz_fail", other, 1),
    ]


def test_fresh_refusals_wait_to_be_counted(own_notebook: Notebook) -> None:
    """For ten seconds; at the end of the process nothing waits."""
    notebook.refused("origin_refused", "socket", "192.0.2.9")
    own_notebook.flush(folded_too=False)
    assert not AuditEvent.objects.exists()
    notebook.flush()
    assert AuditEvent.objects.get().details == {"reason": "socket", "count": 1}


def test_events_wait_while_the_database_is_away(
    log: list[AuditEvent], own_notebook: Notebook, caplog: pytest.LogCaptureFixture
) -> None:
    """In their order, and one warning says so, not one every 250 ms."""
    with connection.execute_wrapper(_away):
        for nth in range(3):
            notebook.note("ws_connect", nth=nth)
            own_notebook.flush()
    assert AuditEvent.objects.count() == 5
    assert [record.message for record in caplog.records] == [
        "audit: events wait for the database (OperationalError)"
    ]
    own_notebook.flush()
    rows = AuditEvent.objects.filter(number__gt=5).order_by("number")
    assert [row.details["nth"] for row in rows] == [0, 1, 2]
    assert audit.first_bad() is None


def test_no_more_waits_than_fits_while_the_database_is_away(
    log: list[AuditEvent], own_notebook: Notebook, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However long it is away: the first are kept, and the rest is counted."""
    monkeypatch.setattr(notebook, "MOST", 3)
    with connection.execute_wrapper(_away):
        for nth in range(4):
            notebook.note("ws_connect", nth=nth)
            for _ in range(5):
                notebook.refused("authn_token_refused", "token_invalid", f"192.0.2.{nth}")
            own_notebook.flush()
            assert len(own_notebook._waiting) <= 3
    own_notebook.flush()
    rows = AuditEvent.objects.filter(number__gt=5).order_by("number")
    assert [(row.event, row.details.get("nth"), row.details.get("count")) for row in rows] == [
        ("ws_connect", 0, None),
        ("authn_token_refused", None, 5),
        ("ws_connect", 1, None),
        ("audit_overflow", None, None),
    ]
    assert rows[3].details == {"dropped": 5 + 2 * (1 + 5)}


def test_what_is_no_row_does_not_hold_up_the_others(
    log: list[AuditEvent], own_notebook: Notebook
) -> None:
    """It is counted as lost."""
    notebook.note("ws_connect", nth=1)
    notebook.note("ws_connect", address="not an address", nth=object())
    notebook.note("ws_connect", nth=3)
    own_notebook.flush()
    rows = AuditEvent.objects.filter(number__gt=5).order_by("number")
    assert [(row.event, row.details) for row in rows] == [
        ("ws_connect", {"nth": 1}),
        ("audit_overflow", {"dropped": 1}),
        ("ws_connect", {"nth": 3}),
    ]


def test_a_lost_disk_for_checkpoints_stops_no_event(
    log: list[AuditEvent], own_notebook: Notebook, settings: Settings, tmp_path: Path
) -> None:
    """The rows are kept, and the log of the process says what is missing."""
    (tmp_path / "file").write_text("in the way")
    settings.HQ_AUDIT_CHECKPOINTS = str(tmp_path / "file" / "checkpoints.jsonl")
    notebook.note("ws_connect")
    own_notebook.flush()
    assert AuditHead.objects.get(pk=1).number == 6


def _away(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
    raise OperationalError("away")
