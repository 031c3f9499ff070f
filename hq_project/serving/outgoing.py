"""The `hq.outgoing` extension: finished WebSocket frames, given to the kernel at once.

Twisted's `write` queues, wakes the loop and copies; where nothing is queued the same bytes may go
to the socket directly, which is what lets one process reach thousands of sockets (measured: four
times the deliveries). Twisted's own `writeSomeData` is used for it, and only on plain TCP.

Also owns the limit of what may wait for a client that does not read.
"""

from typing import Any, Protocol

from twisted.internet import abstract, tcp

LIMIT = 1024 * 1024
"""Bytes that may wait for one client. More, and it is a slow consumer."""


class Owner(Protocol):
    """The socket that writes: `open` while frames may be sent."""

    transport: Any

    @property
    def open(self) -> bool:
        """Whether the handshake is over and no close was sent."""

    def too_slow(self) -> None:
        """Called once more than `LIMIT` waits."""


class Outgoing:
    """What an application finds in `scope["extensions"]["hq.outgoing"]`."""

    __slots__ = ("_direct", "_free", "_owner")

    def __init__(self, owner: Owner) -> None:
        self._owner = owner
        self._free = 0  # bytes in front of the transport's that do not count towards the limit
        transport = owner.transport
        self._direct = type(transport) is tcp.Server and not transport.TLS

    def write(self, frames: bytes, live: bool = True) -> int:
        """Writes whole frames in order, and says how many bytes wait afterwards.

        Drops them when the socket is not open. What is not `live` does not count towards `LIMIT`:
        whoever writes it waits for room first.
        """
        owner = self._owner
        if not owner.open:
            return 0
        waits = self.put(frames)
        if not live:
            self._free = min(self._free + len(frames), waits)
        elif waits > LIMIT:
            self.judge(waits)
        return waits

    def judge(self, waits: int) -> None:
        """Closes a client for which more than `LIMIT` waits, of what counts."""
        if waits - self._free > LIMIT and self._owner.open:
            self._owner.too_slow()

    def too_slow(self) -> None:
        """Closes a client that the application found too slow."""
        if self._owner.open:
            self._owner.too_slow()

    def put(self, data: bytes) -> int:
        """Writes bytes whatever the state, and says how many wait afterwards."""
        transport = self._owner.transport
        if self._free:
            self._free = min(self._free, waiting(transport))
        if not self._direct or transport._tempDataLen or transport.dataBuffer:
            transport.write(data)
            return waiting(transport)
        if not transport.connected or transport.disconnecting or transport._writeDisconnecting:
            return 0
        sent = transport.writeSomeData(data)
        if not isinstance(sent, int):
            # Told to the protocol in the next turn of the loop: the caller may be walking a set.
            transport.abortConnection()
            return 0
        if sent == len(data):
            return 0
        transport.write(data[sent:])
        return len(data) - sent

    def waiting(self) -> int:
        """Bytes that the kernel has not taken yet."""
        return waiting(self._owner.transport)

    def abort(self) -> None:
        """Drops the connection and what waits on it; the client sees 1006."""
        self._owner.transport.abortConnection()


def waiting(transport: Any) -> int:
    """Bytes in the buffers of a transport, of the one it wraps if it is a TLS one."""
    while not isinstance(transport, abstract.FileDescriptor):
        transport = getattr(transport, "transport", None)
        if transport is None:
            return 0
    return int(len(transport.dataBuffer) - transport.offset + transport._tempDataLen)
