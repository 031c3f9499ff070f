"""The secret of a development HQ, drawn once and kept: logins to the admin outlive a restart.

Owns one file, 0600, put into place whole: of processes that start together the first one's secret
is everybody's. Called by `hq_project.settings` where HQ_DEBUG is on and HQ_SECRET_KEY is not set;
production never reads it.
"""

import contextlib
import os
import secrets
from pathlib import Path


def kept_secret(path: Path) -> str:
    """The secret of that file, drawn where there is none; one for this start where none is kept."""
    try:
        return _stored(path) or _stored(_made(path)) or _drawn()
    except OSError:
        return _drawn()


def _stored(path: Path) -> str:
    with contextlib.suppress(FileNotFoundError):
        return path.read_text(encoding="utf-8").strip()
    return ""


def _made(path: Path) -> Path:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    aside = path.with_name(f".{secrets.token_hex(8)}.new")
    descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(_drawn())
    with contextlib.suppress(FileExistsError):
        os.link(aside, path)
    aside.unlink()
    return path


def _drawn() -> str:
    return "development-only-" + secrets.token_urlsafe(48)
