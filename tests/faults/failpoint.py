"""A process that dies between the commit of an update and its publication.

`python -m tests.faults.failpoint MISSION USERNAME BODY` writes through HQ's own service. What runs
after a commit runs in the order in which it was asked for, and SIGKILL was asked for first: the
update is in the database, and nobody was told.
"""

import os
import signal
import sys


def main() -> None:
    """Publishes and is killed."""
    import django

    django.setup()
    from django.db import transaction

    from agents.models import Agent
    from missions import services
    from missions.drafts import Draft
    from missions.protocol import Kind

    mission, username, body = sys.argv[1:]
    agent = Agent.objects.get(username=username)
    with transaction.atomic():
        transaction.on_commit(lambda: os.kill(os.getpid(), signal.SIGKILL))
        services.publish(agent, mission, Draft(kind=Kind.MESSAGE, body=body))


if __name__ == "__main__":
    main()
