"""A mission's feed in a test's hand: a log to follow, a worker to drive, clients that check."""

from collections.abc import Iterable, Iterator

import msgspec

from agents.sockets.outgoing import text_frame
from missions.feeds import Event, MissionFeed, StreamFeed

MISSION = "6f1b6a52-5f5c-4f39-9c35-6a1f4cf0b0b1"
STREAMS = (0, 1, 2)


class Client:
    """What one socket was given: its history, and every frame since."""

    def __init__(self) -> None:
        self.got: list[tuple[str, int]] = []
        self.gone = False
        self.void = False

    def write(self, frames: bytes, payloads: Iterable[bytes]) -> None:
        """Takes frames as `Outgoing` does, both forms being the same."""
        listed = list(payloads)
        assert frames == b"".join(map(text_frame, listed))
        assert listed, "an empty write"
        assert not self.gone, "something was written after the socket left"
        for payload in listed:
            frame = msgspec.json.decode(payload)
            assert frame["mission"] == MISSION
            self.got.append((frame["epoch"], frame["seq"]))

    def waiting(self) -> int:
        """It takes all at once."""
        return 0

    def reset(self) -> None:
        """What it holds is void."""
        self.gone = self.void = True


class Log:
    """The database's side: a log of positions with the numbers of three streams."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.numbers = dict.fromkeys(STREAMS, 0)
        self.epochs = {stream: f"{stream}-0" for stream in STREAMS}
        self.heads = [(dict(self.numbers), dict(self.epochs))]
        self.last_reset = dict.fromkeys(STREAMS, 0)

    @property
    def position(self) -> int:
        """The newest position."""
        return len(self.events)

    def publish(self, streams: Iterable[int]) -> Event:
        """An update that these streams see."""
        given = {}
        for stream in streams:
            self.numbers[stream] += 1
            given[str(stream)] = self.numbers[stream]
        epochs = {name: self.epochs[int(name)] for name in given}
        return self._append(Event(self.position + 1, given, epochs, b'{"id":"x"}'))

    def reset(self, streams: Iterable[int]) -> Event:
        """Renumbers these streams."""
        for stream in streams:
            self.epochs[stream] = f"{stream}-{self.position + 1}"
            self.numbers[stream] = max(0, self.numbers[stream] - 1)
            self.last_reset[stream] = self.position + 1
        epochs = {str(stream): self.epochs[stream] for stream in streams}
        return self._append(Event(self.position + 1, {}, epochs, b""))

    def _append(self, event: Event) -> Event:
        self.events.append(event)
        self.heads.append((dict(self.numbers), dict(self.epochs)))
        return event


class Worker:
    """Drives a feed as the switchboard does, with the pauses made visible."""

    def __init__(self) -> None:
        self.feed = MissionFeed(MISSION)
        self.dirty: dict[StreamFeed, None] = {}
        self.running: Iterator[object] | None = None

    def hand_over(self, event: Event) -> None:
        """An event came from the layer or from healing."""
        if self.feed.accept(event):
            self.apply(event)
            self.drain()

    def apply(self, event: Event) -> None:
        """Takes the next one."""
        for stream in self.feed.apply(event):
            self.dirty[stream] = None

    def drain(self) -> None:
        """Takes what was early."""
        while self.feed.early and (event := self.feed.next_early()) is not None:
            self.apply(event)

    def step(self) -> bool:
        """Writes to one socket; False when nothing is left to write."""
        while True:
            if self.running is None:
                if not self.dirty:
                    return False
                stream = next(iter(self.dirty))
                del self.dirty[stream]
                self.running = self._writes(stream)
            if next(self.running, None) is not None:
                return True
            self.running = None

    @staticmethod
    def _writes(stream: StreamFeed) -> Iterator[object]:
        for listener, frames, payloads in stream.fan_out():
            listener.write(frames, payloads)
            yield True
