#!/usr/bin/env python
"""Django's command line for HQ. `python manage.py help` lists the commands."""

import os
import re
import signal
import sys
from types import FrameType

from django.core.management import execute_from_command_line


def obey_port(arguments: list[str]) -> None:
    """Lets `--port` decide where `PORT` says something else, or nothing.

    Settings are read before a command reads its options, and in development they make HQ's own
    origin of `PORT`: an address that is served and is not that origin refuses every socket.
    """
    words = " ".join(arguments)
    if port := re.search(r"(?:^| )--port[ =]([1-9][0-9]{0,4})(?= |$)", words):
        os.environ["PORT"] = port[1]


class Interrupt:
    """Remembers that Ctrl+C was pressed, whatever Python makes of it on its way up.

    CPython 3.11 turns a `KeyboardInterrupt` in a `__set_name__` into a `RuntimeError`, and SQLite
    one in a function of ours into an `OperationalError`: a traceback for who changed their mind.
    """

    pressed = False

    def __call__(self, number: int, frame: FrameType | None) -> None:
        """What Python does at a SIGINT, remembered."""
        self.pressed = True
        signal.default_int_handler(number, frame)


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "hq_project.settings")
    obey_port(sys.argv[1:])
    os.umask(0o077)  # what HQ writes (SQLite's files, exports, checkpoints) is its user's alone
    interrupt = Interrupt()
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:  # or it is to be ignored
        signal.signal(signal.SIGINT, interrupt)
    try:
        execute_from_command_line(sys.argv)
    except (Exception, KeyboardInterrupt):  # who catches it and exits says how itself
        if not interrupt.pressed:
            raise
        sys.exit(128 + signal.SIGINT)  # as a shell counts it: stopped, not failed
