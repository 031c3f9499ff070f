"""The rules of order of one mission's log in a worker, driven in every order they can meet.

The machine publishes and resets, hands positions over in any order, twice or never, joins sockets
whose history ends anywhere, and stops fan-outs between two sockets. The oracle knows nothing of
feeds: a socket gets exactly the numbers of its stream beyond its history, once, in order, of one
epoch, and nothing after it left.
"""

from uuid import UUID

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    invariant,
    multiple,
    precondition,
    rule,
)

from agents.sockets.outgoing import text_frame
from missions.feeds import Place, Subscription
from missions.tests.feed import STREAMS, Client, Log, Worker

NOBODY = UUID(int=0)


class Viewer:
    """A client with its place and the head of the history that it read."""

    def __init__(self, client: Client, place: Subscription, stream: int) -> None:
        self.client = client
        self.place = place
        self.stream = stream
        self.base: tuple[str, int] | None = None


some_streams = st.sets(st.sampled_from(STREAMS)).map(sorted)


class FeedMachine(RuleBasedStateMachine):
    """Everything that can happen to one mission in one worker, in any order."""

    reading = Bundle("reading")
    following = Bundle("following")

    def __init__(self) -> None:
        super().__init__()
        self.log = Log()
        self.worker = Worker()
        self.viewers: list[Viewer] = []

    @rule(streams=some_streams)
    def publish(self, streams: list[int]) -> None:
        """An update is committed; nothing is said to the worker yet."""
        self.log.publish(streams)

    @rule(streams=some_streams)
    def publish_live(self, streams: list[int]) -> None:
        """An update is committed and heard of at once."""
        self.worker.hand_over(self.log.publish(streams))

    @rule(streams=some_streams.filter(bool))
    def renumber(self, streams: list[int]) -> None:
        """The past of some streams changes."""
        self.log.reset(streams)

    @precondition(lambda self: self.log.events)
    @rule(data=st.data())
    def event_arrives(self, data: st.DataObject) -> None:
        """Any event, in any order, perhaps not for the first time."""
        self.worker.hand_over(data.draw(st.sampled_from(self.log.events)))

    @rule()
    def heal(self) -> None:
        """All that is missing is read, in order; numbers of ended epochs are left out."""
        last = self.worker.feed.last
        if last is not None:
            for event in self.log.events[last:]:
                current = {
                    name: seq
                    for name, seq in event.numbers.items()
                    if event.epochs[name] == self.log.epochs[int(name)]
                }
                self.worker.hand_over(event._replace(numbers=current))

    @rule(steps=st.integers(1, 4))
    def fan_out_a_little(self, steps: int) -> None:
        """Some sockets are written to, then the loop does something else."""
        for _ in range(steps):
            self.worker.step()

    @rule(target=reading, stream=st.sampled_from(STREAMS))
    def join(self, stream: int) -> tuple[Viewer, int]:
        """A socket takes a place, and will read its history at some position from now on."""
        client = Client()
        place = self.worker.feed.join(client, Place(NOBODY, stream, client.reset))
        viewer = Viewer(client, place, stream)
        self.viewers.append(viewer)
        return viewer, self.log.position

    @rule(target=following, read=consumes(reading), data=st.data())
    def settle(self, read: tuple[Viewer, int], data: st.DataObject) -> object:
        """The history was read at any position since the join; a void one has to be read again."""
        viewer, joined_at = read
        position = data.draw(st.integers(joined_at, self.log.position), label="position")
        if viewer.client.gone:
            return multiple()
        if not viewer.place.continues(position):
            viewer.client.gone = True
            self.worker.feed.leave(viewer.place)
            return multiple()
        numbers, epochs = self.log.heads[position]
        viewer.base = epochs[viewer.stream], numbers[viewer.stream]
        beyond = self.worker.feed.settle(viewer.place, position)
        if beyond:
            viewer.client.write(b"".join(map(text_frame, beyond)), beyond)
        self.worker.drain()
        return viewer

    @rule(read=consumes(reading))
    def leave_while_reading(self, read: tuple[Viewer, int]) -> None:
        """The socket goes before its history was sent."""
        self.leave(read[0])

    @rule(viewer=consumes(following))
    def leave(self, viewer: Viewer) -> None:
        """The socket goes; nothing may be written to it afterwards."""
        self.worker.feed.leave(viewer.place)
        viewer.client.gone = True

    @invariant()
    def everybody_has_an_unbroken_run(self) -> None:
        """What a socket got begins right after its history: no hole, no double, one epoch."""
        for viewer in self.viewers:
            if viewer.base is None:
                assert viewer.client.got == []
            else:
                epoch, seq = viewer.base
                run = [(epoch, seq + n) for n in range(1, len(viewer.client.got) + 1)]
                assert viewer.client.got == run

    def teardown(self) -> None:
        """In the end, healed and fanned out, every socket that stayed has its whole stream."""
        self.heal()
        while self.worker.step():
            pass
        self.everybody_has_an_unbroken_run()
        for viewer in self.viewers:
            if viewer.base is None:
                continue
            epoch, seq = viewer.base
            head = self.log.epochs[viewer.stream], self.log.numbers[viewer.stream]
            if not viewer.client.gone:
                assert (epoch, seq + len(viewer.client.got)) == head
            elif viewer.client.void:
                assert epoch != head[0]


FeedMachine.TestCase.settings = settings(
    max_examples=200, stateful_step_count=40, deadline=None, derandomize=True
)
TestAnyOrder = FeedMachine.TestCase
TestAnyOrder.__doc__ = "Whatever happens in whatever order, everybody gets exactly its stream."
