"""The folder of signing keys, `HQ_VAR_DIR/keys`: a file for each key, 0600, named by its beginning.

`1795461880.pem` signs from that second on (since 1970, by the machine's clock) until the next one
begins; `development.pem` from the start of time. A key that signs no more loses its private half
and stays as a public one. A file is written aside and put into place whole, so that processes that
read meanwhile see all of it or nothing. Owns the files and not what is in them: `agents.keys` does.
"""

import contextlib
import os
import re
import secrets
from pathlib import Path
from typing import NamedTuple

from django.conf import settings

DEVELOPMENT = "development.pem"

_NAME = re.compile(r"([0-9]{1,12})\.pem")


class StoredKey(NamedTuple):
    """A file of the folder: from which second on its key signs, and what it holds."""

    begins: int
    pem: str
    path: Path


def folder() -> Path:
    """Where keys are, whether it exists or not."""
    return Path(settings.HQ_VAR_DIR) / "keys"


def stored() -> list[StoredKey]:
    """Every key, the first to sign first. Other files are left alone. `OSError` when unreadable."""
    found = []
    with contextlib.suppress(FileNotFoundError):
        for path in folder().iterdir():
            name = _NAME.fullmatch(path.name)
            if name is not None or path.name == DEVELOPMENT:
                begins = int(name.group(1)) if name else 0
                found.append(StoredKey(begins, path.read_text(encoding="utf-8"), path))
    return sorted(found)


def add(pem: str, begins: int) -> Path:
    """Keeps a key; of processes that add one for the same moment the first wins, for all."""
    folder().parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder().mkdir(mode=0o700, exist_ok=True)
    path = folder() / (f"{begins}.pem" if begins else DEVELOPMENT)
    aside = _written_aside(pem)
    with contextlib.suppress(FileExistsError):
        os.link(aside, path)
    aside.unlink()
    return path


def replace(key: StoredKey, pem: str) -> None:
    """Puts something else into a key's file."""
    _written_aside(pem).replace(key.path)


def _written_aside(pem: str) -> Path:
    aside = folder() / f".{secrets.token_hex(8)}.new"
    descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(pem)
        file.flush()
        os.fsync(file.fileno())
    return aside
