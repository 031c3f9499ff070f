"""A process that publishes at a steady rate: `python -m tests.faults.torrent MISSION USER RATE`.

Through HQ's own service, several updates of 32 kB to analysts in a transaction, from the first line
on its standard input to the last. Prints each update's id and the moment of its commit by the clock
of `time.monotonic`, which all processes of a machine share.
"""

import sys
import threading
import time
from collections.abc import Iterator

BODY = "\N{DIRECT HIT}" * 8000
"""The longest there is: 32 kB on the wire."""

TOGETHER = 5


def main() -> None:
    """Publishes until standard input ends."""
    import django

    django.setup()
    from django.db import transaction

    from agents.models import Agent
    from agents.roles import Role
    from missions import services
    from missions.drafts import Draft
    from missions.protocol import Kind

    mission, username, rate = sys.argv[1:]
    agent = Agent.objects.get(username=username)
    draft = Draft(kind=Kind.MESSAGE, body=BODY, roles=frozenset({Role.ANALYST}))
    print("ready", flush=True)
    sys.stdin.readline()
    for _ in beats(TOGETHER / float(rate)):
        with transaction.atomic():
            # Asked for first, so that it runs before anybody is told.
            transaction.on_commit(lambda: moments.append(time.monotonic()))
            ids = [services.publish(agent, mission, draft).pk for _ in range(TOGETHER)]
        for key in ids:
            print(key, moments[-1])
    sys.stdout.flush()


moments: list[float] = []


def beats(every: float) -> Iterator[None]:
    """One for each turn of the clock, until standard input ends; late ones come at once."""
    ended = threading.Event()

    def wait() -> None:
        sys.stdin.read()
        ended.set()

    threading.Thread(target=wait, daemon=True).start()
    due = time.monotonic()
    while not ended.wait(max(0.0, due - time.monotonic())):
        yield
        due += every


if __name__ == "__main__":
    main()
