"""Sends a batch of announcements to Redis at an even rate.

Every update is marked with the moment it was due, not with the one it was sent: a publisher or a
server that falls behind shows in the latencies.
"""

import socket
import time
from collections.abc import Sequence

from benchmarks.announcements import DUE, Announcement

AHEAD_NS = 20_000_000
TOGETHER = 64
"""Announcements written at once at most, when several are due."""


class Publisher:
    """One connection to Redis that asks for no replies."""

    def __init__(self, redis_port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", redis_port), 10)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket.sendall(b"*3\r\n$6\r\nCLIENT\r\n$5\r\nREPLY\r\n$3\r\nOFF\r\n")

    def send(self, announcements: Sequence[Announcement], rate: float) -> float:
        """Sends them at `rate` a second; returns by how many milliseconds the last was late."""
        start, apart = time.monotonic_ns() + AHEAD_NS, 1e9 / rate
        sent, size = 0, len(announcements)
        while sent < size:
            now = time.monotonic_ns()
            due = min(size, int((now - start) / apart) + 1, sent + TOGETHER)
            if due <= sent:
                time.sleep(max(0.0, (start + sent * apart - now) / 1e9))
                continue
            for number in range(sent, due):
                one = announcements[number]
                one.command[one.due_at : one.due_at + len(DUE)] = b"%019d" % (
                    start + int(number * apart)
                )
            self._socket.sendall(b"".join(one.command for one in announcements[sent:due]))
            sent = due
        return (time.monotonic_ns() - start - (size - 1) * apart) / 1e6

    def close(self) -> None:
        """Ends the connection."""
        self._socket.close()
