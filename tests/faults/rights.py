"""A process that changes rights: `python -m tests.faults.rights lower|disable|restore USERNAME`.

Through HQ's own service. Prints the moments before it and of the commit, by the clock of
`time.monotonic`, which all processes of a machine share.
"""

import sys
import time
from uuid import UUID

from agents.roles import Clearance, Role
from tests.cast import CAST


def main() -> None:
    """Does it."""
    import django

    django.setup()
    from django.db import transaction

    from agents.models import Agent

    change, username = sys.argv[1:]
    key = Agent.objects.get(username=username).pk
    moments = [time.monotonic()]
    with transaction.atomic():
        transaction.on_commit(lambda: moments.append(time.monotonic()))
        _change(change, username, key)
    print(*moments)


def _change(change: str, username: str, key: UUID) -> None:
    from agents import accounts

    if change == "lower":
        accounts.set_access(key, role=Role.FIELD_OPERATIVE, clearance=Clearance.RESTRICTED)
    elif change == "disable":
        accounts.set_access(key, is_active=False)
    else:
        member = next(one for one in CAST if one.username == username)
        accounts.set_access(key, role=member.role, clearance=member.clearance, is_active=True)


if __name__ == "__main__":
    main()
