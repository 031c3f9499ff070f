"""`manage.py verify_audit`, as an operator runs it."""

import datetime as dt
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone
from pytest_django.fixtures import Settings

from agents import audit, checkpoints, keys
from agents.models import AuditEvent, AuditHead
from agents.protocol import wire_time
from agents.tests.conftest import MakeAgent
from agents.tests.pem import p256, private_pem, public_pem

pytestmark = pytest.mark.django_db


def test_a_whole_log_verifies(log: list[AuditEvent], capsys: pytest.CaptureFixture[str]) -> None:
    """The command says how many rows and checkpoints it read, and how far both go."""
    for _ in range(2):
        checkpoints.write(AuditHead.objects.get(pk=1))
    call_command("verify_audit")
    said = capsys.readouterr()
    assert f"whole: 5 rows, the newest is row 5 of {wire_time(log[4].at)}." in said.out
    assert "2 checkpoints were checked, the newest is of row 5 and " in said.out
    assert said.err == ""


@pytest.mark.parametrize("file", ["gone", "emptied"])
def test_without_a_checkpoint_nothing_is_called_whole(
    file: str, log: list[AuditEvent], capsys: pytest.CaptureFixture[str]
) -> None:
    """Whoever cuts the end off, sets the head back and removes the file is noticed."""
    checkpoints.write(AuditHead.objects.get(pk=1))
    AuditEvent.objects.filter(number__gte=4).delete()
    AuditHead.objects.update(number=3, digest=log[2].digest)
    if file == "gone":
        checkpoints.path().unlink()
    else:
        checkpoints.path().write_text("")
    with pytest.raises(CommandError, match=r"no checkpoint in .* after row 3 of .* cut off"):
        call_command("verify_audit")
    call_command("verify_audit", "--without-checkpoints")
    said = capsys.readouterr().out
    assert "whole: 3 rows" in said
    assert "0 checkpoints were checked." in said


def test_an_empty_log_is_whole_only_where_nobody_has_an_account(
    log: list[AuditEvent], make_agent: MakeAgent, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each account that is made leaves a row."""
    AuditEvent.objects.all().delete()
    AuditHead.objects.update(number=0, digest=AuditHead().digest)
    call_command("verify_audit")
    assert "whole: 0 rows." in capsys.readouterr().out
    make_agent()
    with pytest.raises(CommandError, match="no row in the log, though there are accounts"):
        call_command("verify_audit")
    call_command("verify_audit", "--without-checkpoints")


def test_a_log_that_goes_on_after_its_checkpoints_is_warned_of(
    log: list[AuditEvent], capsys: pytest.CaptureFixture[str]
) -> None:
    """Later than workers write them."""
    checkpoints.write(AuditHead.objects.get(pk=1))
    for seconds, warned in ((60, False), (190, True)):
        at = timezone.now() + dt.timedelta(seconds=seconds)
        audit.append([audit.Entry(at, "ws_connect")])
        call_command("verify_audit")
        assert ("no checkpoint covers the rows after 5" in capsys.readouterr().err) is warned


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
