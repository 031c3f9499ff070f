"""`manage.py serve` with the tests' own ASGI application, on a port that it chose itself."""

import os
import re
import sys
from collections.abc import Mapping
from pathlib import Path

import psutil

from tests.hq_server import clean_environment
from tests.patience import PATIENCE
from tests.processes import Process

APPLICATION = "tests.serving.application.application"
ALLOWED_ORIGIN = "http://localhost:8000"
"""What a development start allows when PORT is not set."""


class Serving(Process):
    """One `serve`. Its socket listens as soon as it has said so: nothing else needs waiting for."""

    def __init__(
        self,
        folder: Path,
        *options: str,
        application: str = APPLICATION,
        settings: Mapping[str, str] | None = None,
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        port = () if "PORT" in (settings or {}) else ("--port", "0")
        words = ("manage.py", "serve", *port, "--application", application, *options)
        super().__init__(
            "serve",
            [sys.executable, *words],
            log=folder / "serve.log",
            env=clean_environment()
            | {"HQ_DEBUG": "1", "HQ_VAR_DIR": str(folder), "PYTHONUNBUFFERED": "1"}
            | dict(settings or {}),
        )
        self.port = 0

    def start(self) -> None:
        """Starts it and learns its port."""
        super().start()
        self.wait_until(lambda: "HQ listens on" in self.said, within=30)
        found = re.search(r"HQ listens on http://\S+:(\d+) ", self.said)
        assert found is not None
        self.port = int(found.group(1))

    @property
    def said(self) -> str:
        """All of its log."""
        return self.log.read_text(encoding="utf-8", errors="replace") if self.log.exists() else ""

    @property
    def url(self) -> str:
        """Where HTTP clients find it."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def socket_url(self) -> str:
        """Where WebSocket clients find it."""
        return f"ws://127.0.0.1:{self.port}"

    @property
    def worker_pids(self) -> list[int]:
        """The ids of its workers that live."""
        return [child.pid for child in psutil.Process(self.pid).children() if _lives(child)]

    def wait_for(self, line: str, *, within: float = PATIENCE) -> None:
        """Returns when the log holds that text."""
        self.wait_until(lambda: line in self.said, within=within)

    def signal(self, number: int) -> None:
        """Sends a signal to the parent alone."""
        os.kill(self.pid, number)


def _lives(process: psutil.Process) -> bool:
    """Whether it runs; not once it has ended, reaped or not."""
    try:
        return bool(process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:  # reaped since it was listed
        return False
