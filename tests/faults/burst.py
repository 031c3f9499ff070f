"""A process that commits many updates at one stroke: `python -m tests.faults.burst MISSION USER N`.

One transaction, so that all become visible in one moment, and N events leave at once.
"""

import sys


def main() -> None:
    """Publishes them through HQ's own service."""
    import django

    django.setup()
    from django.db import transaction

    from agents.models import Agent
    from missions import services
    from missions.drafts import Draft
    from missions.protocol import Kind

    mission, username, count = sys.argv[1:]
    agent = Agent.objects.get(username=username)
    with transaction.atomic():
        for number in range(int(count)):
            services.publish(agent, mission, Draft(kind=Kind.MESSAGE, body=f"{number:0600}"))


if __name__ == "__main__":
    main()
