"""A real Caddy with the production file in front of an HQ as in production: TLS, wss, two workers.

Caddy's own authority signs; clients trust its root and nothing else. Its log is a file among the
others that the last test of the run searches for secrets.
"""

import shutil
import ssl
from pathlib import Path

import httpx

from tests.databases import Databases
from tests.hq_server import HQServer, clean_environment
from tests.processes import ROOT, NotReady, Process, free_port

FORWARDED_BY = "127.0.0.1/32"


class Caddy(Process):
    """`deploy/Caddyfile` on a port of its own; `root` is its authority's certificate."""

    def __init__(self, folder: Path, port: int, upstream: int) -> None:
        program = shutil.which("caddy")
        if program is None:
            raise NotReady("caddy is missing: install the system package caddy.")
        folder.mkdir(parents=True)
        self.port = port
        self.url = f"https://localhost:{port}"
        self.http_port = free_port()
        self.root = folder / "caddy" / "pki" / "authorities" / "local" / "root.crt"
        env = clean_environment() | {
            "HQ_PUBLIC_ORIGIN": self.url,
            "HQ_TLS_ISSUER": "internal",
            "HQ_UPSTREAM": f"127.0.0.1:{upstream}",
            "HQ_HTTP_PORT": str(self.http_port),
            "HQ_CADDY_ADMIN": f"localhost:{free_port()}",
            "HOME": str(folder),
            "XDG_DATA_HOME": str(folder),
            "XDG_CONFIG_HOME": str(folder),
        }
        command = [program, "run", "--config", str(ROOT / "deploy" / "Caddyfile")]
        command += ["--adapter", "caddyfile"]
        super().__init__("caddy", command, log=folder / "caddy.log", env=env)

    def start(self) -> None:
        """Starts it and waits for HQ's first answer through it."""
        super().start()
        self.wait_until(self.answers, within=30)

    def answers(self) -> bool:
        """Whether HQ answers through it."""
        try:
            trust = ssl.create_default_context(cafile=str(self.root))
            health = httpx.get(f"{self.url}/healthz", timeout=2, trust_env=False, verify=trust)
        except (OSError, httpx.TransportError):
            return False
        return health.status_code == 200


class PublicHQ:
    """HQ behind Caddy: `server` as clients find it, `caddy` in front of it."""

    def __init__(self, folder: Path, databases: Databases, redis_url: str) -> None:
        port = free_port()
        public = f"https://localhost:{port}"
        settings = {
            "HQ_DEBUG": "0",
            "HQ_PUBLIC_ORIGIN": public,
            "HQ_TRUSTED_PROXIES": FORWARDED_BY,
            "DJANGO_SETTINGS_MODULE": "tests.ops.collected",
        }
        self.server = HQServer(
            folder / "hq", databases, workers=2, redis_url=redis_url, settings=settings
        )
        self.caddy = Caddy(folder / "caddy", port, self.server.port)

    def start(self) -> None:
        """Starts both; from then on the server's addresses are the public ones."""
        self.server.manage("collectstatic", "--noinput")
        self.server.start()
        self.caddy.start()
        self.server.url = self.server.origin = self.caddy.url
        self.server.socket_url = f"wss://localhost:{self.caddy.port}/missions"
        self.server.trust = ssl.create_default_context(cafile=str(self.caddy.root))

    def stop(self) -> None:
        """Ends both."""
        self.caddy.stop()
        self.server.stop()
