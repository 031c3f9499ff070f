"""`python -m tests.attacks.enlist`: those who are attacked, beside the cast of every test."""

from agents.roles import Clearance, Role
from tests.cast import PASSWORD, Member


def operative(name: str) -> Member:
    """Somebody without any right."""
    return Member(name, name.title(), Role.FIELD_OPERATIVE, Clearance.RESTRICTED)


ADMIN = Member("sara", "Vault", Role.DIRECTOR, Clearance.TOP_SECRET)
STAFF = Member("stan", "Ledger", Role.HANDLER, Clearance.SECRET)
RECRUIT = Member("rita", "Threshold", Role.HANDLER, Clearance.SECRET)
DISABLED = operative("dirk")
UNUSABLE = operative("uma")
VICTIMS = {name: operative(f"victim-{name}") for name in "abcdefghijklmnopqrstuvwxyz"}


def main() -> None:
    """Makes them in the database of the environment."""
    import django
    from django.db import connections

    django.setup()
    from agents.accounts import create_agent, set_access

    for member in (ADMIN, STAFF, RECRUIT, DISABLED, UNUSABLE, *VICTIMS.values()):
        agent = create_agent(
            username=member.username,
            codename=member.codename,
            role=member.role,
            clearance=member.clearance,
            password=None if member is UNUSABLE else PASSWORD,
            is_staff=member in (ADMIN, STAFF, RECRUIT),
            is_superuser=member is ADMIN,
        )
        if member is DISABLED:
            set_access(agent.id, is_active=False)
    connections.close_all()


if __name__ == "__main__":
    main()
