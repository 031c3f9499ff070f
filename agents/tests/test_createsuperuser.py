"""Django's command for superusers: closed, because it leaves no trace."""

import pytest
from django.core.management import CommandError, call_command

from agents.models import Agent, AuditEvent

pytestmark = pytest.mark.django_db


def test_it_makes_nobody_and_names_the_way(monkeypatch: pytest.MonkeyPatch) -> None:
    """However it is called; every superuser has its row in the audit log."""
    monkeypatch.setenv("DJANGO_SUPERUSER_PASSWORD", "correct horse battery")
    for arguments in ([], ["--noinput", "--username", "root", "--codename", "Root"]):
        with pytest.raises(CommandError, match=r"create_agent USERNAME .* --superuser"):
            call_command("createsuperuser", *arguments)
    assert not Agent.objects.exists()
    assert not AuditEvent.objects.exists()
