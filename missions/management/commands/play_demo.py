"""`manage.py play_demo`: keeps one demo mission moving, over REST, while HQ runs."""

import signal
import threading
import time
from argparse import ArgumentParser
from types import FrameType
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from missions.demo_play import Gone, Line, Player, Refused, lines, mission_id

START_WITHIN = 60.0
GONE_AFTER = 5.0


class Command(BaseCommand):
    """Waits for HQ, then publishes until told to stop or HQ is gone."""

    help = (
        "Plays the demo: demo agents publish on one mission over REST, one every few seconds. "
        "Waits for HQ to start; ends when HQ is gone or on SIGTERM. Refused unless HQ_DEBUG is on."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        """`--url` and `--every`."""
        parser.add_argument("--url", default=f"http://127.0.0.1:{settings.HQ_PORT}")
        parser.add_argument("--every", type=float, default=4.0, help="Seconds between updates.")

    def handle(self, *args: Any, url: str, every: float, **options: Any) -> None:
        """Plays; a `CommandError` says why it cannot."""
        if not settings.HQ_DEVELOPMENT:
            raise CommandError("The demo plays in development only: set HQ_DEBUG=1.")
        stop = threading.Event()

        def end(number: int, frame: FrameType | None) -> None:
            stop.set()

        signal.signal(signal.SIGTERM, end)
        signal.signal(signal.SIGINT, end)
        self.stdout.write(play(url, every, stop))


def play(url: str, every: float, stop: threading.Event) -> str:
    """Publishes a line every `every` seconds until stopped; says why it ended."""
    players: dict[str, Player] = {}
    script = lines()
    line: Line | None = None
    order = ""
    patience = time.monotonic() + START_WITHIN
    while not stop.is_set():
        line = line or next(script)
        player = players.setdefault(line.username, Player(url, line.username))
        try:
            mission = mission_id(player)
            if mission is not None:
                said = player.call("POST", f"/api/missions/{mission}/updates", line.content)
                order = said["id"] if said["requires_ack"] else order
                acknowledges, line = line.acknowledges and order, None
                if acknowledges:
                    player.call("POST", f"/api/updates/{order}/acknowledge")
            patience = time.monotonic() + GONE_AFTER
        except Gone:
            if time.monotonic() > patience:
                return "The demo ends: HQ is gone."
            stop.wait(min(every, 0.5))
            continue
        except Refused as refused:
            if refused.status < 500 and refused.status != 429:
                # Somebody changed what this agent may do: the others go on.
                line = None
        stop.wait(every)
    return "The demo ends."
