"""An operator lets in again who lost the second factor."""

import io

import pytest
from django.core.management import CommandError, call_command

from agents import mfa
from agents.models import Agent, AuditEvent, Session
from agents.tests.authenticator import enrol

pytestmark = pytest.mark.django_db


def test_the_second_factor_goes_and_every_session_with_it(agent: Agent) -> None:
    """And it is in the audit log."""
    enrol(agent)
    out = io.StringIO()
    call_command("remove_otp", "ADA", stdout=out)
    assert out.getvalue() == "ada logs in without a second factor now.\n"
    assert mfa.check(agent, None) == "none"
    assert not Session.objects.filter(ended_at=None).exists()
    assert AuditEvent.objects.get(event="mfa_disabled").subject == agent.id


def test_where_there_is_nothing_to_remove_it_says_so(agent: Agent) -> None:
    """And ends nothing."""
    with pytest.raises(CommandError, match="ada has no second factor"):
        call_command("remove_otp", "ada")
    with pytest.raises(CommandError, match="no agent with the username bob"):
        call_command("remove_otp", "bob")
