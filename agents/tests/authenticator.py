"""An authenticator app, as tests hold one."""

from django_otp.oath import TOTP
from django_otp.plugins.otp_totp.models import TOTPDevice

from agents import mfa, sessions
from agents.models import Agent, Session
from agents.sessions import Authenticated


def shown(agent: Agent, *, steps: int = 0) -> str:
    """The code that it shows now, or so many steps of 30 s later."""
    device = TOTPDevice.objects.get(user=agent)
    totp = TOTP(device.bin_key, drift=steps)
    return f"{totp.token():06d}"


def forget_use(agent: Agent) -> None:
    """As if the last code had been used long ago."""
    TOTPDevice.objects.filter(user=agent).update(last_t=-1)


def enrol(agent: Agent, session: Session | None = None) -> list[str]:
    """Sets a second factor, its code of now unused; returns the recovery codes.

    Ends the agent's sessions but that one.
    """
    mfa.enrol(agent)
    session = session or sessions.open_session(agent)
    caller = Authenticated(agent, session, session.expires_at)
    codes = mfa.confirm(caller, shown(agent))
    forget_use(agent)
    return codes
