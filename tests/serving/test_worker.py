"""One worker's command line, and what depends on its options."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.hq_server import clean_environment
from tests.processes import ROOT, Process, free_port
from tests.serving.process import Serving
from tests.serving.wire import PING, TEXT, Wire

DJANGO = "import django; django.setup()\n"
DEFAULTS = """
from hq_project.serving import worker
chosen = worker.command_line().parser.parse_args(["a:b"])
print(chosen.ping_interval, chosen.ping_timeout, chosen.websocket_timeout)
print(chosen.websocket_max_message_size, chosen.websocket_max_frame_size, chosen.server_name == "")
"""
QUERIES = """
import threading
from django.db import connection
from hq_project.serving import worker
worker.command_line()
def ask():
    connection.cursor().execute("SELECT 1")
    print(connection.queries_logged, len(connection.queries_log))
thread = threading.Thread(target=ask)
thread.start()
thread.join()
"""
QUICK_PINGS = """
import sys
from hq_project.serving import worker
options = ["--ping-interval", "1", "--ping-timeout", "1", "-p", sys.argv[1]]
worker.command_line().run([*options, "tests.serving.application:application"])
"""


def environment(folder: Path) -> dict[str, str]:
    """What a worker needs to know."""
    return clean_environment() | {
        "HQ_DEBUG": "1",
        "HQ_VAR_DIR": str(folder),
        "DJANGO_SETTINGS_MODULE": "hq_project.settings",
    }


def said(script: str, folder: Path) -> str:
    """What a script prints in a process of its own, with Django set up."""
    done = subprocess.run(
        [sys.executable, "-c", DJANGO + script],
        cwd=ROOT,
        env=environment(folder),
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


def test_the_defaults_are_those_of_the_contract(tmp_path: Path) -> None:
    """A ping every 20 s, dropped after 30 s, no end after a day, 128 KiB."""
    assert said(DEFAULTS, tmp_path) == "20 30 -1\n131072 131072 True\n"


def test_a_worker_remembers_no_queries(tmp_path: Path) -> None:
    """Under debug Django keeps them, and in threads that serve no HTTP nothing empties them."""
    assert said(QUERIES, tmp_path) == "True 0\n"


class QuickPings(Serving):
    """A worker without a parent, that pings every second."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        command = [sys.executable, "-c", DJANGO + QUICK_PINGS, str(self.port)]
        log = folder / "worker.log"
        Process.__init__(self, "worker", command, log=log, env=environment(folder))

    def start(self) -> None:
        """Starts it and waits until it listens."""
        Process.start(self)
        self.wait_until(self.listens, within=30)

    def listens(self) -> bool:
        """Whether a connection gets in."""
        try:
            Wire(self).socket.close()
        except ConnectionError:
            return False
        return True


@pytest.fixture
def quick_pings(tmp_path: Path) -> Iterator[QuickPings]:
    """The worker, ended in order."""
    worker = QuickPings(tmp_path)
    worker.start()
    yield worker
    assert worker.stop() == 0


def test_a_silent_client_is_pinged_and_dropped_unless_it_answers(quick_pings: QuickPings) -> None:
    """One answers every ping and stays; one does not and is gone."""
    with Wire(quick_pings) as answers, Wire(quick_pings) as silent:
        assert answers.handshake("/echo").status == 101
        assert silent.handshake("/echo").status == 101
        for _ in range(3):
            ping = answers.next_frame()
            assert ping is not None
            assert ping.opcode == PING
            answers.frame(0xA, ping.payload)
        assert [frame.opcode for frame in silent.frames()] == [PING]
        answers.frame(TEXT, b"here")
        assert (TEXT, b"here") in [answers.next_frame(), answers.next_frame()]


def test_a_worker_that_stood_still_reads_before_it_drops(quick_pings: QuickPings) -> None:
    """The pong came in time and lay in the kernel: its client stays. A silent one still goes."""
    with Wire(quick_pings) as answers, Wire(quick_pings) as silent:
        for wire in (answers, silent):
            assert wire.handshake("/echo").status == 101
        ping = answers.next_frame()
        assert ping is not None
        with Wire(quick_pings) as other:
            assert other.handshake("/stand_still").status == 101
            other.frame(TEXT, b"3")  # the wait for pongs ends meanwhile
            quick_pings.wait_for("stands 3")
        answers.frame(0xA, ping.payload)
        answers.frame(TEXT, b"here")
        assert answers.next_frame() == (TEXT, b"here")
        assert {frame.opcode for frame in silent.frames()} == {PING}
