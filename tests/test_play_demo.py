"""`manage.py play_demo` against a real HQ: it waits, plays, and ends."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from missions.demo_log import LANTERN, PASSWORD
from tests.hq_server import HQServer
from tests.patience import PATIENCE
from tests.processes import ROOT, Process


class EmptyDatabase:
    """A database that the server has to make itself."""

    def fresh(self, var_dir: Path) -> str:
        """One file in that folder."""
        return f"sqlite:///{var_dir / 'hq.sqlite3'}"


@pytest.fixture
def room(tmp_path: Path) -> Iterator[HQServer]:
    """A development HQ with its demo seeded and not played; not started yet."""
    develop = [sys.executable, "manage.py", "develop", "--port", "{port}", "--no-demo"]
    server = HQServer(tmp_path / "hq", EmptyDatabase(), command=develop)
    yield server
    server.stop()


@pytest.fixture
def player(tmp_path: Path, room: HQServer) -> Iterator[Process]:
    """The demo's player, quick, started."""
    process = Process(
        "the demo's player",
        [sys.executable, "manage.py", "play_demo", "--url", room.url, "--every", "0.05"],
        log=tmp_path / "player.log",
        env={**os.environ, **(room.env or {})},
    )
    process.start()
    yield process
    process.stop()


def newest(room: HQServer) -> int:
    """The number of the newest update that the director sees on the demo's mission."""
    return int(page(room, "director", limit="1")["seq"])


def page(room: HQServer, username: str, **query: str) -> Any:
    """A page of the demo's mission as that agent sees it."""
    with httpx.Client(base_url=room.url, trust_env=False, timeout=PATIENCE) as http:
        login = {"username": username, "password": PASSWORD, "transport": "body"}
        access = http.post("/api/auth/login", json=login).json()["access"]
        http.headers["Authorization"] = f"Bearer {access}"
        missions = {one["codename"]: one["id"] for one in http.get("/api/missions").json()}
        return http.get(f"/api/missions/{missions[LANTERN]}/updates", params=query).json()


def test_it_waits_for_hq_plays_and_ends_when_told_to(room: HQServer, player: Process) -> None:
    """Started first; the log of the mission grows; SIGTERM ends it without a complaint."""
    room.start()
    before = newest(room)
    room.wait_until(lambda: newest(room) > before + 3, within=PATIENCE)
    assert player.stop() == 0
    assert player.tail().splitlines()[-1] == "The demo ends."


def test_it_acknowledges_its_own_orders(room: HQServer, player: Process) -> None:
    """Nothing of what it ordered waits for those it ordered it to."""
    room.start()
    before = {one["update"]["id"] for one in page(room, "heron", limit="200")["updates"]}

    def fresh(name: str) -> list[str]:
        shown = page(room, name, limit="200")
        new = [one["update"] for one in shown["updates"] if one["update"]["id"] not in before]
        asked = [one["id"] for one in new if one["requires_ack"]]
        return [one for one in asked if one in shown["acknowledged"]]

    room.wait_until(lambda: bool(fresh("heron") and fresh("wren")), within=PATIENCE)


def test_it_ends_by_itself_when_hq_is_gone(room: HQServer, player: Process) -> None:
    """With a sentence and without a traceback."""
    room.start()
    before = newest(room)
    room.wait_until(lambda: newest(room) > before, within=PATIENCE)
    room.stop()
    assert player.wait(within=PATIENCE) == 0
    assert player.tail().splitlines() == ["The demo ends: HQ is gone."]


def test_it_is_refused_in_production(room: HQServer) -> None:
    """With a sentence."""
    said = subprocess.run(
        [sys.executable, "manage.py", "play_demo"],
        env={**os.environ, **(room.env or {}), "HQ_DEBUG": "0"},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert said.returncode == 1
    assert "set HQ_DEBUG=1" in said.stderr
