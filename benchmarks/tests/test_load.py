"""The load client notices everything that a server could do wrong."""

import json
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from websockets.sync.server import ServerConnection, serve

from benchmarks.announcements import mark
from benchmarks.load import LoadClient, Report, Socket

MISSION = "11111111-2222-4333-8444-555555555555"
EPOCH = "e" * 32
STREAM = 5
CORE = min(os.sched_getaffinity(0))


def update(seq: int, *, epoch: str = EPOCH, streams: tuple[int, ...] = (1, STREAM)) -> str:
    """An update frame of step 7, due at the start of the clock."""
    data = {"mark": mark("0" * 19, 7, streams)}
    frame = {"type": "update", "mission": MISSION, "epoch": epoch, "seq": seq}
    return json.dumps(frame | {"update": {"body": "b" * seq, "data": data}}, separators=(",", ":"))


@contextmanager
def serving(frames: list[str]) -> Iterator[int]:
    """A server that subscribes each socket at number 3, sends these frames, and a pong to end."""

    def handle(connection: ServerConnection) -> None:
        head = {"type": "subscribed", "mission": MISSION, "epoch": EPOCH, "seq": 3, "updates": []}
        connection.send(json.dumps(head, separators=(",", ":")))
        for frame in frames:
            connection.send(frame)
        connection.ping().wait(10)  # answered after everything before it was read
        done.set()
        connection.recv()

    done = threading.Event()
    with serve(handle, "127.0.0.1", 0) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server.socket.getsockname()[1]
        server.shutdown()
        thread.join()


def report_of(frames: list[str], folder: Path, newest: int = 3) -> Report:
    """What one socket's client says once it has read all frames."""
    with serving([*frames, update(1_000, streams=(STREAM,)).replace("-007-", "-008-")]) as port:
        socket = Socket("token", MISSION, STREAM, newest)
        client = LoadClient(port, "hq", [socket], core=CORE, folder=folder)
        try:
            client.connect(10)
            while not client.report(8).count:
                pass
            return client.report(7)
        finally:
            client.stop()


def test_what_is_right_is_counted(tmp_path: Path) -> None:
    """Frames in order, in the right epoch, for the right stream: nothing is wrong but the fence."""
    report = report_of([update(4), update(5), update(6)], tmp_path)
    assert (report.count, report.leaks, report.strange, report.dead) == (3, 0, 0, 0)
    assert report.holes == 1  # the fence itself leaps to 1,000
    assert report.p99_ms > 0


@pytest.mark.parametrize("numbers", [(5,), (4, 6), (4, 4), (4, 5, 4)])
def test_a_hole_a_repeat_and_a_step_back_are_noticed(
    numbers: tuple[int, ...], tmp_path: Path
) -> None:
    """Numbers are dense from where the subscription said."""
    assert report_of([update(number) for number in numbers], tmp_path).holes > 1


def test_an_update_for_others_is_a_leak(tmp_path: Path) -> None:
    """The mark names the streams that may see it."""
    assert report_of([update(4, streams=(1, 2))], tmp_path).leaks == 1


def test_a_foreign_epoch_is_strange(tmp_path: Path) -> None:
    """Only the epoch that was subscribed to counts."""
    report = report_of([update(4), update(5, epoch="f" * 32)], tmp_path)
    assert (report.count, report.strange) == (1, 1)


def test_a_subscription_behind_the_log_is_refused(tmp_path: Path) -> None:
    """The number in `subscribed` is the newest that was written."""
    with pytest.raises(Exception, match="1 of 1 sockets were refused"):
        report_of([], tmp_path, newest=4)
