"""A real Redis on a port and in a folder of its own."""

import shutil
from pathlib import Path

import redis

from tests.patience import PATIENCE
from tests.processes import NotReady, Process, free_port


class RedisServer(Process):
    """Without persistence: what a restart loses is lost, as the product must expect."""

    def __init__(self, folder: Path) -> None:
        program = shutil.which("redis-server")
        if program is None:
            raise NotReady("redis-server is missing: install the system package redis-server.")
        folder.mkdir(parents=True, exist_ok=True)
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        settings = {
            "bind": "127.0.0.1",
            "port": str(self.port),
            "dir": str(folder),
            "save": "",
            "appendonly": "no",
        }
        command = [program, *(word for name in settings for word in (f"--{name}", settings[name]))]
        super().__init__("redis", command, log=folder / "redis.log")

    def start(self) -> None:
        """Starts it and waits for its first answer."""
        super().start()
        self.wait_until(self.answers, within=PATIENCE)

    def answers(self) -> bool:
        """Whether it answers a PING."""
        with redis.Redis(port=self.port, socket_timeout=1) as client:
            try:
                return bool(client.ping())
            except redis.RedisError:
                return False
