"""Accounts: made, given and refused access, their passwords changed.

Owns every change of role, clearance, activity and password: API, admin and commands come through
here, so that no change is without its revision, its notice to open sockets, the end of sessions,
and its row in the audit log. Knows nothing of tokens: sessions are `agents.sessions`' business.
"""

from typing import Any, NamedTuple
from uuid import UUID

from django.contrib.auth.hashers import make_password
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import F, Q

from agents import audit, live, logins, sessions
from agents.errors import Invalid, InvalidCredentials, NotFound
from agents.models import Agent
from agents.roles import Clearance, Role
from agents.sessions import Authenticated

PASSWORD_LENGTH = 1024
"""The longest password that is read, in code points (ASVS 5.0, 6.2.9 asks for 64 at least)."""


PROFILE = frozenset({"username", "codename"})
"""What an account is called; all else about it is a right."""


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


def within(standing: Standing, agent: str = "") -> Q:
    """The accounts that this standing covers, as a filter; `agent` is the path to them."""
    roles = [role.value for role in Role if role.rank <= standing.rank]
    covered = Q(**{f"{agent}role__in": roles, f"{agent}clearance__lte": standing.clearance})
    if not standing.staff:
        covered &= Q(**{f"{agent}is_staff": False})
    if not standing.superuser:
        covered &= Q(**{f"{agent}is_superuser": False})
    return covered


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
    with transaction.atomic():
        agent = Agent.objects.create_user(
            username,
            password,
            is_staff=is_staff,
            is_superuser=is_superuser,
            is_demo=is_demo,
            **fields,
        )
        record_created(agent)
    return agent


def record_created(agent: Agent, **by: Any) -> None:
    """Writes into the audit log what the account begins with; in the transaction that made it."""
    audit.record(
        "user_created",
        subject=agent.id,
        role=agent.role,
        clearance=agent.clearance,
        is_staff=agent.is_staff,
        is_superuser=agent.is_superuser,
        **by,
    )


def set_access(
    agent_id: UUID,
    *,
    role: Role | None = None,
    clearance: Clearance | None = None,
    is_active: bool | None = None,
    **by: Any,
) -> Agent:
    """Changes what is given and differs, and says so to the agent's open sockets after commit.

    An agent that is disabled loses its sessions in the same transaction. `NotFound` for an
    unknown id. `by`: the audit log's `actor` and `address`, where they are known.
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
            before = {field: getattr(agent, field) for field in changes}
            Agent.objects.filter(id=agent_id).update(
                access_revision=F("access_revision") + 1, **changes
            )
            agent.refresh_from_db()
            if "is_active" in changes and not agent.is_active:
                sessions.end_sessions(agent_id, reason="disabled", **by)
            _record_change(agent, before, by)
            transaction.on_commit(lambda: live.notify_agents([agent_id]))
    return agent


def save_profile(agent: Agent, before: dict[str, Any], **by: Any) -> None:
    """Keeps names and staff rights that were just set on `agent`; `before` has the old values.

    Call it after `set_access`, where both change: the audit log is locked last.
    """
    with transaction.atomic():
        agent.save(update_fields=list(before))
        _record_change(agent, before, by)
        if not before.keys() <= PROFILE:
            # Who became staff may have to set a second factor first.
            transaction.on_commit(lambda: live.notify_agents([agent.id]))


def _record_change(agent: Agent, before: dict[str, Any], by: dict[str, Any]) -> None:
    event = "user_updated" if before.keys() <= PROFILE else "privilege_permissions_changed"
    changes = {field: [value, getattr(agent, field)] for field, value in before.items()}
    audit.record(event, subject=agent.id, changes=changes, **by)


def save_password(agent: Agent, **by: Any) -> int:
    """Keeps the password that was just set on `agent` and ends its sessions; says how many.

    `by`: the audit log's `actor` and `address`, where they are known.
    """
    with transaction.atomic():
        ended = sessions.end_sessions(agent.id, reason="password_reset", **by)
        agent.save(update_fields=["password"])
        audit.record("authn_password_change", subject=agent.id, **by)
    return ended


def change_password(
    caller: Authenticated,
    current: str,
    new: str,
    otp: str | None = None,
    *,
    address: str | None = None,
) -> None:
    """The agent's own change: ends its other sessions (ASVS 5.0, 6.2.3, 7.4.3).

    `Invalid` for a weak password; what does not prove who asks is refused as a login is.
    """
    agent = caller.agent
    try:
        validate_password(new, agent)
    except ValidationError as problem:
        raise Invalid(" ".join(problem.messages), field="new_password") from None
    logins.prove_again(agent, current, otp, address=address)
    proved, hashed = agent.password, make_password(new)
    by: dict[str, Any] = {"actor": agent.id, "address": address}
    with transaction.atomic():
        ended = sessions.end_sessions(
            agent.id, reason="password_changed", but=caller.session.id, **by
        )
        # Only the password that was proved is replaced: another change may have come between.
        if not Agent.objects.filter(id=agent.id, password=proved).update(password=hashed):
            raise InvalidCredentials
        audit.record(
            "authn_password_change",
            subject=agent.id,
            session=caller.session.id,
            sessions_ended=ended,
            **by,
        )
