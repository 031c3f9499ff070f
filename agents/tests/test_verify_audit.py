"""`manage.py verify_audit`, as an operator runs it."""

from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from pytest_django.fixtures import Settings

from agents import checkpoints, keys
from agents.models import AuditEvent, AuditHead
from agents.tests.pem import p256, private_pem, public_pem

pytestmark = pytest.mark.django_db


def test_a_whole_log_verifies(log: list[AuditEvent], capsys: pytest.CaptureFixture[str]) -> None:
    """The command says how many rows it read."""
    checkpoints.write(AuditHead.objects.get(pk=1))
    call_command("verify_audit")
    assert "whole: 5 rows" in capsys.readouterr().out


def test_the_first_bad_row_is_named(log: list[AuditEvent]) -> None:
    """Of the chain first, then of what checkpoints say."""
    checkpoints.write(AuditHead.objects.get(pk=1))
    AuditEvent.objects.filter(number__gte=4).delete()
    with pytest.raises(CommandError, match="Row 4 is missing at the end"):
        call_command("verify_audit")
    AuditHead.objects.update(number=3, digest=log[2].digest)
    with pytest.raises(CommandError, match="Row 4 is missing: the log had reached 5"):
        call_command("verify_audit")


def test_earlier_keys_can_be_given(
    log: list[AuditEvent], settings: Settings, tmp_path: Path
) -> None:
    """As a file of public keys."""
    old = p256()
    settings.HQ_JWT_PRIVATE_KEY = private_pem(old)
    keys.forget()
    checkpoints.write(AuditHead.objects.get(pk=1))
    settings.HQ_JWT_PRIVATE_KEY = private_pem(p256())
    keys.forget()
    file = tmp_path / "old.pem"
    file.write_text(public_pem(old))
    try:
        with pytest.raises(CommandError, match="is not signed by a key of this installation"):
            call_command("verify_audit")
        call_command("verify_audit", "--keys", str(file))
        with pytest.raises(CommandError, match="--keys names no file"):
            call_command("verify_audit", "--keys", str(tmp_path))
    finally:
        keys.forget()
