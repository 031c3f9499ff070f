"""Whether a second factor is set, and who must set one before anything else.

Outside development staff without a confirmed authenticator reach only what sets one. The admin asks
by `agents.admin_sessions`, REST and handshakes by `agents.sessions`, open sockets by
`agents.watch`, each within the query that it makes anyway. Sessions of kind `service` are exempt:
an operator makes their tokens at a shell, for programs, which hold no authenticator.
"""

from typing import Any

from django.conf import settings
from django.db.models import BooleanField, Exists, ExpressionWrapper, OuterRef, Q, Value
from django_otp.plugins.otp_totp.models import TOTPDevice

from agents.models import Agent, Session


def enrolled(agent: Agent) -> bool:
    """Whether logging in takes a second factor."""
    return bool(TOTPDevice.objects.filter(user=agent, confirmed=True).exists())


def must_enrol() -> Any:
    """For a query of sessions: whether the agent of each has to set a second factor first."""
    if settings.HQ_DEVELOPMENT:
        return Value(False, output_field=BooleanField())
    staff = Q(agent__is_staff=True) | Q(agent__is_superuser=True)
    device = TOTPDevice.objects.filter(user=OuterRef("agent_id"), confirmed=True)
    rule = staff & ~Q(kind=Session.Kind.SERVICE) & ~Exists(device)
    return ExpressionWrapper(rule, output_field=BooleanField())
