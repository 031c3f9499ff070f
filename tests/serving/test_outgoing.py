"""The prepared-frame extension and its limit."""

import psutil
from twisted.internet.testing import StringTransport

from hq_project.serving.outgoing import Outgoing, waiting
from tests.patience import PATIENCE
from tests.serving.process import Serving
from tests.serving.wire import CLOSE, PING, PONG, TEXT, Wire


class Owner:
    """A socket on a transport that is not plain TCP."""

    def __init__(self) -> None:
        self.transport = StringTransport()
        self.open = True

    def too_slow(self) -> None:
        """Nothing here is slow."""
        raise AssertionError


def test_other_transports_are_written_to_their_own_way() -> None:
    """Nothing is known of their buffers: Twisted's `write` decides."""
    owner = Owner()
    outgoing = Outgoing(owner)
    outgoing.write(b"\x81\x02hi")
    assert owner.transport.value() == b"\x81\x02hi"
    assert outgoing.waiting() == 0
    assert waiting(owner.transport) == 0


def test_a_closed_socket_takes_no_frames() -> None:
    """After a close frame nothing may follow (RFC 6455, section 5.5.1)."""
    owner = Owner()
    owner.open = False
    Outgoing(owner).write(b"\x81\x02hi")
    assert owner.transport.value() == b""


def test_frames_arrive_whole_and_in_order(server: Serving) -> None:
    """Written at once or queued behind what the kernel did not take."""
    with Wire(server, receive_buffer=4096) as wire:
        assert wire.handshake("/frames").status == 101
        for count, size in ((1, 20), (50, 15_000), (300, 100)):
            wire.frame(TEXT, f"{count} {size}".encode())
            for number in range(count):
                frame = wire.next_frame()
                assert frame == (TEXT, b"%08d" % number + b"x" * (size - 8))


def test_a_client_that_does_not_read_is_closed_and_harms_nobody(server: Serving) -> None:
    """40 MB for it: memory stays flat, another socket is served, and it is told 4008."""
    (worker,) = server.worker_pids
    with Wire(server, receive_buffer=65_536) as slow, Wire(server) as other:
        assert slow.handshake("/frames").status == 101
        assert other.handshake("/echo").status == 101
        before = psutil.Process(worker).memory_info().rss
        written = server.said.count("waiting ")
        slow.frame(TEXT, b"5000 8000")
        other.frame(TEXT, b"still there?")
        assert other.next_frame() == (TEXT, b"still there?")
        server.wait_until(lambda: server.said.count("waiting ") > written, within=PATIENCE)
        assert psutil.Process(worker).memory_info().rss - before < 10 * 1024 * 1024
        *frames, last = slow.frames()
        assert last == (CLOSE, (4008).to_bytes(2, "big") + b"Too far behind.")
        assert [int(frame.payload[:8]) for frame in frames] == list(range(len(frames)))


def test_what_does_not_count_ends_nobody_and_what_counts_does_behind_it(server: Serving) -> None:
    """8 MB that a client was promised room for; a ping is answered; then 4008 as ever."""
    with Wire(server, receive_buffer=4096) as wire:
        assert wire.handshake("/frames?free").status == 101
        written = server.said.count("waiting ")
        wire.frame(TEXT, b"1000 8000")
        server.wait_until(lambda: server.said.count("waiting ") > written, within=PATIENCE)
        wire.frame(PING, b"there?")
        frames = [wire.next_frame() for _ in range(1001)]
        assert frames.pop() == (PONG, b"there?")
        assert all(frame is not None and frame.opcode == TEXT for frame in frames)
    with Wire(server, receive_buffer=4096) as wire:
        assert wire.handshake("/frames").status == 101
        written = server.said.count("waiting ")
        wire.frame(TEXT, b"1000 8000")
        server.wait_until(lambda: server.said.count("waiting ") > written, within=PATIENCE)
        *_, last = wire.frames()
        assert last == (CLOSE, (4008).to_bytes(2, "big") + b"Too far behind.")


def test_a_client_that_never_reads_is_dropped(server: Serving) -> None:
    """Ten seconds after its close its memory is free again."""
    with Wire(server, receive_buffer=4096) as slow:
        assert slow.handshake("/frames").status == 101
        ended = server.said.count("ended 4008 /frames")
        slow.frame(TEXT, b"5000 8000")
        server.wait_until(lambda: server.said.count("ended 4008 /frames") > ended, within=PATIENCE)


def test_aborting_drops_the_connection_at_once(server: Serving) -> None:
    """No close frame: the client sees 1006, and so does the application."""
    with Wire(server) as wire:
        assert wire.handshake("/abort").status == 101
        wire.frame(TEXT, b"now")
        assert wire.close_code() is None
    server.wait_for("ended 1006 /abort")
