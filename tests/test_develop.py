"""`manage.py develop`, which `make run` calls: from nothing to a room that moves, and its end."""

import os
import re
import signal
import socket
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import httpx
import psutil
import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Origin

from tests.hq_server import clean_environment
from tests.patience import PATIENCE
from tests.processes import Process, free_port

Develop = Callable[..., tuple[Process, str]]


@pytest.fixture
def develop(tmp_path: Path) -> Iterator[Develop]:
    """Starts a development HQ in one folder; gives the process and its address."""
    started: list[Process] = []

    def start(*arguments: str, command: str = "develop") -> tuple[Process, str]:
        port = str(free_port())
        env = clean_environment() | {"HQ_DEBUG": "1", "HQ_VAR_DIR": str(tmp_path / "var")}
        words = [sys.executable, "manage.py", command, "--port", port, *arguments]
        process = Process(
            "develop",
            words,
            log=tmp_path / f"develop-{len(started)}.log",
            env=env | {"PYTHONUNBUFFERED": "1"},
        )
        process.start()
        started.append(process)
        return process, f"http://127.0.0.1:{port}"

    yield start
    for process in started:
        process.stop()


def answers(url: str) -> bool:
    """Whether HQ is there."""
    try:
        return httpx.get(f"{url}/healthz", timeout=2, trust_env=False).status_code == 200
    except httpx.TransportError:
        return False


def opened(url: str, *, origin: str) -> ClientConnection:
    """A socket as a browser that shows that origin opens it, before it says who it is."""
    address = url.replace("http", "ws") + "/missions"
    return connect(address, origin=Origin(origin), proxy=None, open_timeout=PATIENCE)


def first_login(words: str) -> dict[str, str]:
    """The first row of the table of logins, as a newcomer reads it."""
    header, row = re.findall(r"^(?:USERNAME|director) .*$", words, re.MULTILINE)[:2]
    username, password, *_ = row.split()
    assert header.split()[:2] == ["USERNAME", "PASSWORD"]
    return {"username": username, "password": password, "transport": "body"}


def newest(url: str, access: str) -> dict[str, str]:
    """The newest update of each mission."""
    bearer = {"Authorization": f"Bearer {access}"}
    with httpx.Client(base_url=url, headers=bearer, trust_env=False, timeout=PATIENCE) as client:
        missions = [mission["id"] for mission in client.get("/api/missions").json()]
        pages = {one: client.get(f"/api/missions/{one}/updates").json() for one in missions}
    return {one: page["updates"][-1]["update"]["id"] for one, page in pages.items()}


def test_a_newcomer_can_log_in_and_sees_the_room_move(develop: Develop) -> None:
    """The printed address and login work, and an update comes without anybody's doing."""
    process, url = develop()
    process.wait_until(lambda: answers(url), within=60)
    words = process.tail()
    assert url.replace("127.0.0.1", "localhost") in words
    login = httpx.post(
        f"{url}/api/auth/login", json=first_login(words), trust_env=False, timeout=PATIENCE
    )
    access = login.json()["access"]
    at_first = newest(url, access)
    assert len(at_first) == 3
    process.wait_until(lambda: newest(url, access) != at_first, within=60)


def test_ctrl_c_ends_everything(develop: Develop) -> None:
    """Server, workers and the playing demo: nothing is left behind, whenever it is pressed."""
    process, url = develop()
    process.wait_until(lambda: answers(url), within=60)
    family = psutil.Process(process.pid).children(recursive=True)
    assert any("play_demo" in child.cmdline() for child in family)
    os.killpg(process.pid, signal.SIGINT)  # what a terminal does: to each process of the group
    process.wait(within=PATIENCE)
    _, alive = psutil.wait_procs(family, timeout=PATIENCE)
    assert alive == []
    assert "Traceback" not in process.tail()


def test_ctrl_c_during_the_start_ends_it_quietly(develop: Develop) -> None:
    """Nothing of HQ's inside is shown to who changed their mind."""
    process, _ = develop()
    process.wait_until(lambda: "Preparing the database." in process.tail(), within=60)
    os.killpg(process.pid, signal.SIGINT)
    assert process.wait(within=PATIENCE) == 130
    assert "Traceback" not in process.tail()


def test_ctrl_c_is_quiet_whatever_python_makes_of_it(tmp_path: Path) -> None:
    """CPython 3.11 makes a `RuntimeError` of a Ctrl+C while it gives an attribute its name."""
    script = tmp_path / "pressed.py"
    script.write_text(
        "import os, runpy, signal\n"
        "from django.core import management\n"
        "class Pressed:\n"
        "    def __set_name__(self, owner, name):\n"
        "        os.kill(os.getpid(), signal.SIGINT)\n"
        "def execute(arguments):\n"
        "    print('begun', flush=True)\n"
        "    type('Owner', (), {'attribute': Pressed()})\n"
        "management.execute_from_command_line = execute\n"
        "runpy.run_path('manage.py', run_name='__main__')\n"
    )
    words = [sys.executable, str(script)]
    env = clean_environment() | {"PYTHONPATH": "."}
    process = Process("pressed", words, log=tmp_path / "pressed.log", env=env)
    process.start()
    try:
        assert process.wait(within=PATIENCE) == 130
        assert process.tail().split() == ["begun"]
    finally:
        process.stop()


def test_the_second_start_prepares_nothing(develop: Develop) -> None:
    """No migration, the same demo, and the demo does not play when told not to."""
    first, url = develop("--no-demo")
    first.wait_until(lambda: answers(url), within=60)
    assert "Preparing the database." in first.tail()
    assert not any("play_demo" in c.cmdline() for c in psutil.Process(first.pid).children())
    first.stop()
    second, url = develop("--no-demo")
    second.wait_until(lambda: answers(url), within=60)
    assert "Preparing the database." not in second.tail()


def test_a_login_to_the_admin_outlives_a_restart(develop: Develop) -> None:
    """Who develops does not log in anew at each start; the secret that this takes is kept 0600."""
    first, url = develop("--no-demo")
    first.wait_until(lambda: answers(url), within=60)
    who = first_login(first.tail())
    with httpx.Client(base_url=f"{url}/admin/", trust_env=False, timeout=PATIENCE) as browser:
        browser.get("login/")
        token = {"csrfmiddlewaretoken": browser.cookies["csrftoken"]}
        assert browser.post("login/", data={**token, **who, "next": "/admin/"}).status_code == 302
        assert browser.get("").status_code == 200
        first.stop()
        second, url = develop("--no-demo")
        second.wait_until(lambda: answers(url), within=60)
        assert browser.get(f"{url}/admin/").status_code == 200
    (kept,) = first.log.parent.glob("var/development.secret")
    assert kept.stat().st_mode & 0o777 == 0o600


def test_the_port_option_alone_makes_the_origin_that_opens_a_socket(develop: Develop) -> None:
    """Nothing sets PORT: a browser at the printed address gets in, one from elsewhere does not."""
    for command, options in (("develop", ["--no-demo"]), ("serve", [])):
        process, url = develop(*options, command=command)
        process.wait_until(partial(answers, url), within=60)
        with opened(url, origin=url.replace("127.0.0.1", "localhost")) as socket:
            assert socket.response is not None
            assert socket.response.status_code == 101
        with pytest.raises(InvalidStatus, match="403"):
            opened(url, origin="http://localhost:8000")
        process.stop()


def test_workers_without_redis_are_refused(develop: Develop) -> None:
    """With a sentence, and nothing stays behind."""
    process, _ = develop("--workers", "2")
    assert process.wait(within=60) == 1
    assert "2 workers need Redis" in process.tail()
    assert "USERNAME" not in process.tail()  # nothing is printed that cannot be used
    assert "Traceback" not in process.tail()


def test_a_port_in_use_is_told_before_anything_is_prepared(develop: Develop) -> None:
    """With a sentence, and no logins for an address that is somebody else's."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        process, _ = develop("--port", str(port))
        assert process.wait(within=60) == 1
    assert f"Port {port} on 127.0.0.1 is in use" in process.tail()
    assert "USERNAME" not in process.tail()
