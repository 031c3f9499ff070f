"""`manage.py serve`: what it refuses, and what it prepares."""

import stat
from pathlib import Path

import httpx
import pytest

from tests.patience import PATIENCE
from tests.processes import free_port
from tests.serving.conftest import Start
from tests.serving.process import Serving


def refused(folder: Path, *options: str, **more: object) -> str:
    """What a start that is refused says; it ends with status 1 and no traceback."""
    process = Serving(folder, *options, **more)  # type: ignore[arg-type]
    super(Serving, process).start()
    assert process.wait(within=PATIENCE) == 1
    assert "Traceback" not in process.said
    assert "HQ listens" not in process.said
    return process.said


def test_bad_configuration_is_told_one_sentence_a_problem(tmp_path: Path) -> None:
    """All at once, before anything listens."""
    said = refused(tmp_path, settings={"HQ_DEBUG": "0", "REDIS_URL": "http://x"})
    for problem in (
        "HQ_SECRET_KEY is not set.",
        "HQ_PUBLIC_ORIGIN is not set.",
        "HQ_JWT_PRIVATE_KEY is not set.",
        "REDIS_URL must look like redis://host:6379/0.",
    ):
        assert sum(problem in line for line in said.splitlines()) == 1


def test_workers_without_redis_are_refused(tmp_path: Path) -> None:
    """They would not hear of each other's updates."""
    assert "2 workers need Redis" in refused(tmp_path, "--workers", "2")
    assert "3 workers need Redis" in refused(tmp_path, settings={"WORKERS": "3"})


@pytest.mark.parametrize("number", ["0", "65", "-1"])
def test_a_senseless_number_of_workers_is_refused(tmp_path: Path, number: str) -> None:
    """As an option and in the environment."""
    assert "must be a whole number from 1 to 64." in refused(tmp_path, "--workers", number)
    said = refused(tmp_path / "environment", settings={"WORKERS": number})
    assert "WORKERS must be a whole number from 1 to 64." in said


def test_a_busy_port_is_refused(tmp_path: Path, server: Serving) -> None:
    """With the sentence of `listen`."""
    said = refused(tmp_path, "--port", str(server.port))
    assert f"Port {server.port} on 127.0.0.1 is in use." in said


def test_an_unknown_application_is_refused(tmp_path: Path) -> None:
    """Before any worker starts, and only once."""
    said = refused(tmp_path, application="tests.serving.no_such.application")
    assert said.count("no_such") == 1


def test_the_port_comes_from_the_environment(start: Start) -> None:
    """PORT, where the command line says nothing."""
    port = free_port()
    server = start(settings={"PORT": str(port)})
    assert httpx.get(server.url, trust_env=False, timeout=PATIENCE).status_code == 200


def test_a_development_start_makes_its_key_first(start: Start, tmp_path: Path) -> None:
    """One for all workers, readable by its owner only."""
    start()
    (key,) = tmp_path.glob("serve-0/keys/*.pem")
    assert stat.S_IMODE(key.stat().st_mode) == 0o600


def test_it_listens_on_ipv6_too(start: Start) -> None:
    """The address is printed as a browser takes it."""
    server = start("--host", "::1")
    assert f"http://[::1]:{server.port} with 1 worker." in server.said
    url = f"http://[::1]:{server.port}/"
    assert httpx.get(url, trust_env=False, timeout=PATIENCE).status_code == 200
