"""Accounts: made, logged in to, given and refused access.

Owns every change of role, clearance and activity: the admin and the commands come through here, so
that no change is without its revision, its notice to open sockets, and the end of sessions.
Knows nothing of tokens: sessions are `agents.sessions`' business.
"""

import functools
from typing import NamedTuple
from uuid import UUID

from django.contrib.auth.hashers import check_password, make_password
from django.contrib.auth.password_validation import validate_password
from django.db import transaction
from django.db.models import F
from django.db.models.functions import Now

from agents import live, sessions
from agents.errors import InvalidCredentials, NotFound, TokenInvalid
from agents.models import Agent, Session
from agents.roles import Clearance, Role
from agents.selectors import agent_named

PASSWORD_LENGTH = 1024
"""The longest password that is read, in code points (ASVS 5.0, 6.2.9 asks for 64 at least)."""


class Standing(NamedTuple):
    """What an account may do to others; each part is compared by itself."""

    rank: int
    clearance: int
    staff: bool
    superuser: bool

    def covers(self, other: "Standing") -> bool:
        """Whether no part of the other exceeds this one's."""
        return all(own >= theirs for own, theirs in zip(self, other, strict=True))


def standing_of(agent: Agent) -> Standing:
    """The agent's rank (director > handler > the rest), clearance and staff rights."""
    return Standing(Role(agent.role).rank, agent.clearance, agent.is_staff, agent.is_superuser)


def create_agent(
    username: str,
    *,
    codename: str,
    role: Role,
    clearance: Clearance,
    password: str | None = None,
    is_staff: bool = False,
    is_superuser: bool = False,
    is_demo: bool = False,
) -> Agent:
    """A new account; Django's `ValidationError` names what is wrong with which field.

    Without a password nobody can log in to it. The password must pass the configured validators.
    """
    fields = {"codename": codename, "role": role.value, "clearance": clearance.value}
    if password is not None:
        validate_password(password, Agent(username=username, codename=codename))
    return Agent.objects.create_user(
        username,
        password,
        is_staff=is_staff,
        is_superuser=is_superuser,
        is_demo=is_demo,
        **fields,
    )


def log_in(
    username: str, password: str, *, address: str | None = None, user_agent: str = ""
) -> Session:
    """A new session for who knows the password; `InvalidCredentials` for everybody else.

    Whatever is wrong (the name, the password, a disabled or password-less account) takes the time
    of one verification and is one answer (ASVS 5.0, 6.3.8).
    """
    agent = _checked(username, password)
    try:
        session = sessions.open_session(agent, address=address, user_agent=user_agent)
    except TokenInvalid:
        raise InvalidCredentials from None
    Agent.objects.filter(id=agent.id).update(last_login=Now())
    return session


def set_access(
    agent_id: UUID,
    *,
    role: Role | None = None,
    clearance: Clearance | None = None,
    is_active: bool | None = None,
) -> Agent:
    """Changes what is given and differs, and says so to the agent's open sockets after commit.

    An agent that is disabled loses its sessions in the same transaction. `NotFound` for an
    unknown id.
    """
    wanted = {
        "role": role.value if role is not None else None,
        "clearance": clearance.value if clearance is not None else None,
        "is_active": is_active,
    }
    with transaction.atomic():
        try:
            agent = Agent.objects.select_for_update(no_key=True).get(id=agent_id)
        except Agent.DoesNotExist:
            raise NotFound from None
        changes = {
            field: value
            for field, value in wanted.items()
            if value is not None and value != getattr(agent, field)
        }
        if changes:
            Agent.objects.filter(id=agent_id).update(
                access_revision=F("access_revision") + 1, **changes
            )
            agent.refresh_from_db()
            if "is_active" in changes and not agent.is_active:
                sessions.end_sessions(agent_id, reason="disabled")
            transaction.on_commit(lambda: live.notify_agents([agent_id]))
    return agent


def save_password(agent: Agent) -> int:
    """Keeps the password that was just set on `agent` and ends its sessions; says how many."""
    with transaction.atomic():
        ended = sessions.end_sessions(agent.id, reason="password_reset")
        agent.save(update_fields=["password"])
    return ended


def _checked(username: str, password: str) -> Agent:
    nobody = _nobodys_password()
    try:
        agent = agent_named(username)
    except NotFound:
        agent = None
    if agent is not None and agent.is_active and agent.has_usable_password():
        if agent.check_password(password):
            return agent
    else:
        check_password(password, nobody)
    raise InvalidCredentials


@functools.cache
def _nobodys_password() -> str:
    # Made once, with today's parameters: checking it costs what checking a real one does.
    return make_password("nobody's password")
