"""The typed reader of HQ's environment variables.

Reads, converts, and collects what is wrong as sentences that say what to do; never stops the
process itself. `hq_project.settings` reads through it once, `hq_project.checks` reports.
"""

import ipaddress
import os
import re
from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

SECRET_LENGTH = 50

_SAMPLE = re.compile(
    r"in.?secure|change.?(me|this|it)|your.?(secret|key)|(my|super|top|the).?secret|secret.?key"
    r"|pass.?(word|phrase)|development|production|example|sample|default|placeholder|do.?not.?use"
    r"|correct.?horse|battery.?staple|qwerty|asdfgh|let.?me.?in|lorem.?ipsum",
    re.IGNORECASE,
)
_ORIGIN = re.compile(r"^https?://(\[[0-9a-f:.]+\]|[a-z0-9.-]+)(:[0-9]{1,5})?$")


class Environment:
    """Typed access to a mapping of variables. `problems` holds a sentence for each bad one."""

    def __init__(self, variables: Mapping[str, str]) -> None:
        self._variables = variables
        self.problems: list[str] = []

    def text(self, name: str, default: str = "") -> str:
        """The variable, or the contents of the file that NAME_FILE names, or the default."""
        path = self._variables.get(f"{name}_FILE")
        if path and name in self._variables:
            self.problems.append(f"{name} and {name}_FILE are both set: keep one.")
        elif path:
            try:
                return Path(path).read_text(encoding="utf-8").strip()
            except (OSError, UnicodeDecodeError):
                self.problems.append(f"{name}_FILE names a file that cannot be read: {path}.")
        return self._variables.get(name, default).strip()

    def flag(self, name: str, default: bool = False) -> bool:
        """`1 true yes on` or `0 false no off`."""
        said = self.text(name).lower()
        if said in ("1", "true", "yes", "on"):
            return True
        if said in ("0", "false", "no", "off"):
            return False
        if said:
            self.problems.append(f"{name} must be 1 or 0.")
        return default

    def integer(self, name: str, default: int, *, least: int, most: int) -> int:
        """A whole number within the bounds."""
        said = self.text(name)
        if not said:
            return default
        if re.fullmatch(r"[0-9]{1,12}", said) and least <= int(said) <= most:
            return int(said)
        self.problems.append(f"{name} must be a whole number from {least} to {most}.")
        return default

    def words(self, name: str) -> list[str]:
        """Values separated by commas or spaces."""
        return [word for word in re.split(r"[,\s]+", self.text(name)) if word]

    def origins(self, name: str) -> list[str]:
        """Origins as browsers send them: scheme, host, and a port where it is not the default."""
        good = []
        for word in self.words(name):
            if _ORIGIN.match(word) and not word.endswith((":80", ":443")):
                good.append(word)
            else:
                self.problems.append(
                    f"{name}: {word} is no origin. Write scheme and host in lower case, and the "
                    "port only where it is not the default, such as https://hq.example.org."
                )
        return good

    def networks(self, name: str) -> list[Network]:
        """Address ranges in CIDR form; none may be everybody."""
        good: list[Network] = []
        for word in self.words(name):
            try:
                network = ipaddress.ip_network(word)
            except ValueError:
                self.problems.append(f"{name}: {word} is no address range such as 10.0.0.0/8.")
                continue
            if network.prefixlen:
                good.append(network)
            else:
                self.problems.append(
                    f"{name}: {word} is everybody, and everybody could then say which address is "
                    "theirs. Name the range of your proxies."
                )
        return good

    def private_folder(self, name: str, default: Path) -> Path:
        """A folder that is closed to others; made, or closed where it is this user's own."""
        path = Path(self.text(name) or default)
        try:
            path.mkdir(mode=0o700, parents=True, exist_ok=True)
            found = path.stat()
        except OSError:
            self.problems.append(f"{name} is a folder that cannot be made: {path}.")
            return path
        mode = found.st_mode
        # One that everybody may write to is everybody's, such as /tmp: not this user's to close.
        if mode & 0o077 and not mode & 0o002 and found.st_uid == os.geteuid():
            path.chmod(0o700)
        elif mode & 0o007:
            self.problems.append(
                f"{name} is a folder that others can look into: {path}. Close it with "
                f"`chmod 700 {path}`, or name another one."
            )
        return path

    def redis_url(self, name: str) -> str | None:
        """`redis://`, `rediss://` or `unix://`; None when unset."""
        url = self.text(name)
        if not url:
            return None
        try:
            parts = urlsplit(url)
            good = (
                parts.scheme in ("redis", "rediss") and bool(parts.hostname) and parts.port != 0
            ) or (parts.scheme == "unix" and bool(parts.path))
        except ValueError:
            good = False
        if good:
            return url
        self.problems.append(f"{name} must look like redis://host:6379/0.")
        return None

    def database(self, name: str, default_file: Path) -> dict[str, Any]:
        """Django's database settings for `postgres://...` or `sqlite:///path`."""
        url = self.text(name)
        if not url:
            return sqlite_database(default_file)
        try:
            parts = urlsplit(url)
            if parts.scheme == "sqlite" and parts.path.strip("/"):
                return sqlite_database(Path(unquote(parts.path.removeprefix("/"))))
            if parts.scheme in ("postgres", "postgresql") and parts.path.strip("/"):
                return postgres_database(
                    name=unquote(parts.path.strip("/")),
                    user=unquote(parts.username or ""),
                    password=unquote(parts.password or ""),
                    host=unquote(parts.hostname or ""),
                    port=str(parts.port or ""),
                )
        except ValueError:
            pass
        self.problems.append(
            f"{name} must look like postgres://user:password@host:5432/name "
            "or sqlite:////folder/hq.sqlite3."
        )
        return sqlite_database(default_file)


def strong_secret(value: str) -> bool:
    """Whether a secret looks drawn at random: long, without repetitions, runs and known words.

    Of random hexadecimal digits, of which 50 are enough, one in a billion would be refused.
    """
    looked_at = value[:200]
    triples = [looked_at[at : at + 3] for at in range(len(looked_at) - 2)]
    steps = [abs(ord(one) - ord(other)) for one, other in pairwise(looked_at)]
    return (
        len(value) >= SECRET_LENGTH
        and len(set(triples)) > 0.75 * len(triples)
        and sum(step <= 1 for step in steps) < 0.5 * len(steps)
        and not _SAMPLE.search(value)
    )


def sqlite_database(path: Path) -> dict[str, Any]:
    """SQLite in WAL, durable at commit, one writer at a time, waiting 5 s for its turn."""
    return {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": str(path),
        "OPTIONS": {
            "transaction_mode": "IMMEDIATE",
            "timeout": 5,
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;",
        },
    }


def postgres_database(
    *, name: str, user: str, password: str, host: str, port: str
) -> dict[str, Any]:
    """PostgreSQL through psycopg's pool; no call waits longer than 4 s: `hq_project.postgresql`.

    Values travel beside the statement (`server_side_binding`): PostgreSQL writes a statement that
    failed into its log, and one that was put together here would hold the body of an update.

    A transaction that falls silent is ended by the server before those who wait for its locks give
    up: a worker that is cut off in the middle of one would else lock everybody out while TCP waits.
    """
    return {
        "ENGINE": "hq_project.postgresql",
        "NAME": name,
        "USER": user,
        "PASSWORD": password,
        "HOST": host,
        "PORT": port,
        "CONN_MAX_AGE": 0,
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": {
            "server_side_binding": True,
            "pool": {"min_size": 1, "max_size": 20, "timeout": 4, "reconnect_timeout": 2},
            "connect_timeout": 4,
            "tcp_user_timeout": 4000,
            "options": "-c statement_timeout=3800 -c lock_timeout=3500"
            " -c idle_in_transaction_session_timeout=3000",
        },
    }
