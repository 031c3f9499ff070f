"""Checkpoints: signed, in a file that can live elsewhere, and held against the log."""

import json
import os
from pathlib import Path
from typing import Any

import pytest
from pytest_django.fixtures import Settings

from agents import audit, checkpoints, keys
from agents.audit import Fault
from agents.models import AuditEvent, AuditHead
from agents.tests.pem import p256, private_pem

pytestmark = pytest.mark.django_db


def written() -> list[dict[str, Any]]:
    """The checkpoints in the file."""
    path = checkpoints.path()
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def test_a_cut_with_the_head_set_back_shows_against_a_checkpoint(log: list[AuditEvent]) -> None:
    """The chain is whole again for whoever sets the head back; the signed checkpoint is not."""
    checkpoints.write(AuditHead.objects.get(pk=1))
    AuditEvent.objects.filter(number__gte=4).delete()
    AuditHead.objects.update(number=3, digest=log[2].digest)
    assert audit.first_bad() is None
    assert checkpoints.first_bad() == Fault(4, "is missing: the log had reached 5")


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


def test_a_checkpoint_comes_every_minute_or_thousand_rows(
    log: list[AuditEvent], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first at once; none where nothing was added."""
    monkeypatch.setattr(checkpoints, "_written", checkpoints._Written(0, float("-inf")))
    head = AuditHead.objects.get(pk=1)
    for number in (5, 6, 1_004, 1_005, 1_005):
        head.number = number
        checkpoints.consider(head)
    assert [one["number"] for one in written()] == [5, 1_005]
    monkeypatch.setattr(checkpoints, "EVERY_SECONDS", 0.0)
    for number in (1_005, 1_006):
        head.number = number
        checkpoints.consider(head)
    assert [one["number"] for one in written()] == [5, 1_005, 1_006]


def test_what_only_transactions_wrote_is_signed_too(
    log: list[AuditEvent], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The log is looked at once a minute."""
    monkeypatch.setattr(checkpoints, "_written", checkpoints._Written(0, float("-inf")))
    monkeypatch.setattr(checkpoints, "_looked_at", float("-inf"))
    for _ in range(3):
        checkpoints.look()
        audit.record("user_created")
    assert [one["number"] for one in written()] == [5]


def test_the_file_is_for_its_owner_alone(log: list[AuditEvent]) -> None:
    """0600, whatever the process's mask."""
    before = os.umask(0)
    try:
        checkpoints.write(AuditHead.objects.get(pk=1))
    finally:
        os.umask(before)
    assert checkpoints.path().stat().st_mode & 0o777 == 0o600


def test_checkpoints_outlive_the_key_that_signed_them(
    log: list[AuditEvent], settings: Settings
) -> None:
    """A key that HQ no longer has can be named."""
    old = p256()
    settings.HQ_JWT_PRIVATE_KEY = private_pem(old)
    keys.forget()
    checkpoints.write(AuditHead.objects.get(pk=1))
    settings.HQ_JWT_PRIVATE_KEY = private_pem(p256())
    keys.forget()
    try:
        fault = checkpoints.first_bad()
        assert fault is not None
        assert "not signed by a key of this installation" in fault.reason
        assert checkpoints.first_bad([old.public_key()]) is None
    finally:
        keys.forget()
