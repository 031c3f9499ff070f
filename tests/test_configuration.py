"""A bad configuration stops the start with a sentence; a good one is read as it is meant."""

import os
import secrets
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.management import call_command
from pytest_django.fixtures import Settings

from hq_project.environment import Environment, strong_secret
from tests.hq_server import SECRET_KEY, SIGNING_KEY_PEM, clean_environment
from tests.processes import ROOT, free_port

PRODUCTION = {
    "HQ_SECRET_KEY": SECRET_KEY,
    "HQ_JWT_PRIVATE_KEY": SIGNING_KEY_PEM,
    "HQ_PUBLIC_ORIGIN": "https://hq.example.org",
}
"""What an installation must at least say."""


def start(tmp_path: Path, *arguments: str, **variables: str | None) -> tuple[int, str]:
    """Exit status and words of a `serve` that must not come to serve."""
    said = PRODUCTION | {"HQ_VAR_DIR": str(tmp_path)} | variables
    env = clean_environment() | {name: value for name, value in said.items() if value is not None}
    command = [sys.executable, "manage.py", "serve", "--port", str(free_port()), *arguments]
    ended = subprocess.run(
        command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=30, check=False
    )
    return ended.returncode, ended.stdout + ended.stderr


@pytest.mark.parametrize(
    ("variables", "sentence"),
    [
        ({"HQ_SECRET_KEY": None}, "HQ_SECRET_KEY is not set."),
        ({"HQ_SECRET_KEY": "short"}, "HQ_SECRET_KEY is too weak."),
        (
            {"HQ_SECRET_KEY": "django-insecure-k3v9pL7xW2rT5yN8bM4cJ6dH1gF0sAqU"},
            "HQ_SECRET_KEY is too weak.",
        ),
        ({"HQ_SECRET_KEY": "0123456789abcdef" * 4}, "HQ_SECRET_KEY is too weak."),
        ({"HQ_SECRET_KEY": None, "HQ_SECRET_KEY_FILE": "/nowhere"}, "cannot be read: /nowhere"),
        ({"HQ_SECRET_KEY_FILE": "/nowhere"}, "are both set: keep one."),
        ({"HQ_JWT_PRIVATE_KEY": None}, "HQ_JWT_PRIVATE_KEY is not set."),
        ({"HQ_JWT_PRIVATE_KEY": "not a key"}, "HQ_JWT_PRIVATE_KEY is no unencrypted P-256"),
        ({"HQ_PUBLIC_ORIGIN": None}, "HQ_PUBLIC_ORIGIN is not set."),
        ({"HQ_PUBLIC_ORIGIN": "http://hq.example.org"}, "must start with https://"),
        ({"HQ_PUBLIC_ORIGIN": "hq.example.org"}, "hq.example.org is no origin."),
        ({"DATABASE_URL": "mysql://hq@db/hq"}, "DATABASE_URL must look like postgres://"),
        ({"DATABASE_URL": "postgres://db:port/hq"}, "DATABASE_URL must look like postgres://"),
        ({"REDIS_URL": "http://redis"}, "REDIS_URL must look like redis://"),
        ({"HQ_ACCESS_MINUTES": "soon"}, "HQ_ACCESS_MINUTES must be a whole number from 1"),
        ({"HQ_TRUSTED_PROXIES": "10.0.0.0/99"}, "HQ_TRUSTED_PROXIES: 10.0.0.0/99 is no address"),
        ({"HQ_TRUSTED_PROXIES": "0.0.0.0/0"}, "HQ_TRUSTED_PROXIES: 0.0.0.0/0 is everybody,"),
        ({"HQ_TRUSTED_PROXIES": "10.0.0.0/8 ::/0"}, "HQ_TRUSTED_PROXIES: ::/0 is everybody,"),
        ({"HQ_DEBUG": "perhaps"}, "HQ_DEBUG must be 1 or 0."),
        ({"WORKERS": "many"}, "WORKERS must be a whole number from 1"),
        ({"WORKERS": "2"}, "2 workers need Redis"),
    ],
)
def test_a_bad_variable_stops_the_start_with_a_sentence(
    tmp_path: Path, variables: dict[str, str | None], sentence: str
) -> None:
    """Exit status 1, what is wrong and what to do, no traceback, and no key in the words."""
    status, words = start(tmp_path, **variables)
    assert status == 1
    assert sentence in words
    assert "Traceback" not in words
    assert "PRIVATE KEY-----" not in words
    assert PRODUCTION["HQ_SECRET_KEY"] not in words


def test_workers_without_redis_are_refused(tmp_path: Path) -> None:
    """They would not hear of each other's updates."""
    status, words = start(tmp_path, "--workers", "2")
    assert (status, "2 workers need Redis" in words) == (1, True)


def test_every_mistake_is_told_at_once(tmp_path: Path) -> None:
    """Nobody has to start ten times to find ten mistakes."""
    status, words = start(tmp_path, HQ_SECRET_KEY=None, HQ_PUBLIC_ORIGIN=None, REDIS_URL="x")
    assert status == 1
    for name in ("HQ_SECRET_KEY", "HQ_PUBLIC_ORIGIN", "REDIS_URL"):
        assert f"{name} " in words


def test_the_development_command_is_refused_in_production(tmp_path: Path) -> None:
    """Nothing of the demo reaches a real installation by accident."""
    env = clean_environment() | PRODUCTION | {"HQ_VAR_DIR": str(tmp_path)}
    for command in ("develop", "seed_demo", "play_demo"):
        ended = subprocess.run(
            [sys.executable, "manage.py", command],
            cwd=ROOT,
            env=env,
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
        assert ended.returncode == 1
        assert "HQ_DEBUG=1" in ended.stderr
        assert "Traceback" not in ended.stderr


def test_what_hq_writes_is_its_users_alone(tmp_path: Path) -> None:
    """Whatever the mask and the mode of the folder were before."""
    folder = tmp_path / "var"
    folder.mkdir()
    folder.chmod(0o755)
    env = clean_environment() | PRODUCTION | {"HQ_VAR_DIR": str(folder)}
    command = [sys.executable, "manage.py", "migrate", "--no-input"]
    subprocess.run(command, cwd=ROOT, env=env, check=True, capture_output=True, umask=0o022)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in folder.rglob("*")}
    assert modes["hq.sqlite3"] == 0o600
    assert not any(mode & 0o077 for mode in modes.values()), modes


def test_a_folder_that_is_everybodys_is_refused(tmp_path: Path) -> None:
    """It is not HQ's to close, and others could read or replace the database in it."""
    folder = tmp_path / "var"
    folder.mkdir()
    folder.chmod(0o1777)
    status, words = start(tmp_path, HQ_VAR_DIR=str(folder))
    assert status == 1
    assert f"HQ_VAR_DIR is a folder that others can look into: {folder}." in words
    assert stat.S_IMODE(folder.stat().st_mode) == 0o1777


def test_static_files_are_for_every_user(tmp_path: Path, settings: Settings) -> None:
    """The image collects them as root and serves them as another user."""
    settings.STATIC_ROOT = str(tmp_path / "static")
    before = os.umask(0o077)
    try:
        call_command("collectstatic", "--no-input", verbosity=0)
    finally:
        os.umask(before)
    found = [tmp_path / "static", *(tmp_path / "static").rglob("*")]
    assert len(found) > 10
    for path in found:
        wanted = 0o755 if path.is_dir() else 0o644
        assert stat.S_IMODE(path.stat().st_mode) == wanted, path


# The reader itself.


@pytest.mark.parametrize("said", ["1", "true", "YES", "on"])
def test_a_flag_is_on(said: str) -> None:
    """In the words that people use."""
    assert Environment({"FLAG": said}).flag("FLAG") is True


@pytest.mark.parametrize("said", ["0", "false", "No", "off"])
def test_a_flag_is_off(said: str) -> None:
    """Whatever the default."""
    assert Environment({"FLAG": said}).flag("FLAG", default=True) is False


def test_a_secret_may_come_from_a_file(tmp_path: Path) -> None:
    """Without the line end that editors leave."""
    path = tmp_path / "secret"
    path.write_text("from a file\n")
    environment = Environment({"KEY_FILE": str(path)})
    assert environment.text("KEY") == "from a file"
    assert environment.problems == []


@pytest.mark.parametrize(
    "weak",
    [
        "supersecretkeysupersecretkeysupersecretkey",
        "0123456789abcdef0123456789abcdef",
        "abcdefghijklmnopqrstuvwxyz123456",
        "correct-horse-battery-staple-correct",
        "secretkey" * 8,
        "0123456789" * 6,
        "0123456789 abcdefghijklmnopqrstuvwxyz ABCDEFGHIJKLMNOP",
        "x" * 60,
        SECRET_KEY[:49],
        SECRET_KEY[:20] * 3,
        *(
            f"{SECRET_KEY[:24]}{word}{SECRET_KEY[24:]}"
            for word in ("secret-key", "Password", "development", "change_me", "EXAMPLE")
        ),
    ],
    ids=lambda weak: f"{len(weak)}-characters",  # the same in each process of a run
)
def test_a_weak_secret_is_known(weak: str) -> None:
    """Too short, repeated, counted, or with a word in it that samples have."""
    assert not strong_secret(weak)


def test_a_random_secret_is_strong() -> None:
    """However it was drawn: in hexadecimal as `deploy/make-secrets` does, or otherwise."""
    for _ in range(2000):
        for drawn in (
            secrets.token_hex(25),
            secrets.token_hex(48),
            secrets.token_hex(400),
            secrets.token_urlsafe(38),
        ):
            assert strong_secret(drawn), drawn


def test_numbers_keep_their_bounds() -> None:
    """Outside of them the default stands and the mistake is told."""
    environment = Environment({"LOW": "0", "HIGH": "11", "GOOD": "10", "SIGNED": "+5"})
    read = [environment.integer(name, 3, least=1, most=10) for name in ("LOW", "HIGH", "SIGNED")]
    assert read == [3, 3, 3]
    assert len(environment.problems) == 3
    assert environment.integer("GOOD", 3, least=1, most=10) == 10
    assert environment.integer("UNSET", 3, least=1, most=10) == 3


def test_origins_are_written_as_browsers_send_them() -> None:
    """No path, no default port, lower case; several with commas or spaces."""
    good = "https://hq.example.org, http://localhost:8000 https://[::1]:8443"
    assert Environment({"O": good}).origins("O") == good.replace(",", "").split()
    for bad in ("https://HQ.example.org", "https://a/", "https://a:443", "ftp://a", "null", "*"):
        environment = Environment({"O": bad})
        assert environment.origins("O") == []
        assert len(environment.problems) == 1


@pytest.mark.parametrize(
    ("url", "engine", "name"),
    [
        ("postgres://u:p%40ss@db:5433/hq", "postgresql", "hq"),
        ("postgresql://db/hq", "postgresql", "hq"),
        ("sqlite:////srv/hq.sqlite3", "sqlite3", "/srv/hq.sqlite3"),
        ("sqlite:///hq.sqlite3", "sqlite3", "hq.sqlite3"),
        ("", "sqlite3", "default.sqlite3"),
    ],
)
def test_a_database_url_is_read(url: str, engine: str, name: str) -> None:
    """The embedded default where there is none."""
    environment = Environment({"DATABASE_URL": url})
    settings = environment.database("DATABASE_URL", Path("default.sqlite3"))
    assert settings["ENGINE"].endswith(engine)
    assert settings["NAME"] == name
    assert environment.problems == []


def test_a_password_in_a_database_url_is_unquoted() -> None:
    """As URLs demand."""
    settings = Environment({"D": "postgres://u:p%40ss@db:5433/hq"}).database("D", Path("x"))
    assert (settings["USER"], settings["PASSWORD"]) == ("u", "p@ss")
    assert (settings["HOST"], settings["PORT"]) == ("db", "5433")
