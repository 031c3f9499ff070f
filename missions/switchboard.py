"""Per-process fan-out: from one event of a mission to the local sockets of each stream it names.

Owns which missions this worker follows, the order of what goes out, and healing: a hole or a lag
behind the database is read from the change rows, once for all streams. Decides nothing about who
may see what: a socket joins the stream it was given, and of its own updates an author is told. One
frame is built per stream, and all frames that arrived while the last fan-out ran leave as one write
per socket.

State belongs to one event loop. Called by `missions.recovery` and `missions.consumers`.
"""

import asyncio
import logging
import time
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from agents import live, threads, watch
from agents.protocol import encode_frame
from agents.sockets.backlog import LIVE_MOST, LOOK_EVERY, LOOKS_BEHIND
from agents.sockets.outgoing import slices, text_frame
from missions import changes, publishing
from missions.audiences import VIEWERS
from missions.feeds import Event, Listener, MissionFeed, Place, StreamFeed, Subscription
from missions.protocol import Revised, SentFrame

logger = logging.getLogger(__name__)

STRAGGLER = 0.05
"""Seconds to wait for an event that was overtaken before reading it from the database."""

SOCKETS_A_TURN = 256
"""Writes before the loop gets a turn."""

LINGER = 30.0
"""Seconds that a mission without local sockets stays subscribed."""


class Switchboard:
    """One loop's missions, streams and fan-out."""

    def __init__(self) -> None:
        self._feeds: dict[str, MissionFeed] = {}
        self._dirty: dict[StreamFeed, None] = {}
        self._wake = asyncio.Event()
        self._live = live.current()
        self._watch = watch.current()
        self._live.on(publishing.UPDATE_EVENT, self._on_event)
        self._live.on_close(_aclose)
        self._watch.after_comparison(self.compare)
        self._watch.lags_since(self._behind_since)
        self._tasks = {asyncio.get_running_loop().create_task(self._run())}

    async def join(self, listener: Listener, mission_id: str, place: Place) -> Subscription:
        """A place in a stream: everything from now on is held for it until `settle`."""
        feed = self._feeds.get(mission_id)
        if feed is None:
            feed = self._feeds[mission_id] = MissionFeed(mission_id, time.monotonic())
            subscription = feed.join(listener, place)
            try:
                await self._live.subscribe(publishing.group_of(mission_id))
            except BaseException:
                feed.leave(subscription)
                raise
        else:
            subscription = feed.join(listener, place)
        feed.idle_since = None
        return subscription

    def settle(self, subscription: Subscription, position: int) -> None:
        """The history that reaches `position` was sent: the rest follows live.

        Only for a subscription that `continues` it; any other has to read its history again.
        """
        feed = subscription.feed
        beyond = feed.settle(subscription, position)
        for frames, payloads in slices(beyond) if beyond else ():
            subscription.listener.write(frames, payloads)
        self._drain(feed)

    def leave(self, subscription: Subscription) -> None:
        """Nothing more is written to this place."""
        subscription.feed.leave(subscription)

    def subscriptions(self, mission_id: str) -> list[Subscription]:
        """The local places on a mission that follow it live; of these, `oversight` tells some."""
        feed = self._feeds.get(mission_id)
        if feed is None:
            return []
        return [one for stream in feed.streams.values() for one in stream.members]

    def missions(self) -> list[str]:
        """The missions that this worker follows."""
        return list(self._feeds)

    def followed_since(self, mission_id: str) -> float:
        """When this worker began to follow the mission, by `time.monotonic`; now if it does not."""
        feed = self._feeds.get(mission_id)
        return time.monotonic() if feed is None else feed.since

    def voided(self, mission_id: str) -> int:
        """How often what is shown here of the mission's log came to be of another past."""
        feed = self._feeds.get(mission_id)
        return 0 if feed is None else feed.voided

    async def compare(self) -> None:
        """Heals every mission that is behind the database; forgets those nobody listens to."""
        now = time.monotonic()
        for feed in list(self._feeds.values()):
            if not feed.empty:
                feed.idle_since = None
            elif feed.idle_since is None:
                feed.idle_since = now
            elif now - feed.idle_since > LINGER:
                del self._feeds[feed.mission_id]
                self._live.unsubscribe(publishing.group_of(feed.mission_id))
        if self._feeds:
            ids = [UUID(mission_id) for mission_id in self._feeds]
            for mission_id, position in await threads.in_watch_thread(changes.positions, ids):
                compared = self._feeds.get(str(mission_id))
                if compared is None:
                    continue
                if compared.is_behind(position):
                    compared.behind_since = compared.behind_since or now
                    await self._heal_or_say(compared)
                if not compared.is_behind(position):
                    compared.behind_since = None

    async def aclose(self) -> None:
        """Ends the tasks."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _behind_since(self) -> float | None:
        """Since when the mission that lags longest is behind the database."""
        since = [feed.behind_since for feed in list(self._feeds.values())]
        return min((at for at in since if at is not None), default=None)

    def _on_event(self, message: dict[str, Any]) -> None:
        feed = self._feeds.get(message["mission"])
        if feed is None:
            return
        event = Event.from_layer(message)
        if self._watch.fresh and feed.accept(event):
            self._apply(feed, event)
            self._drain(feed)
        elif feed.last is not None and event.position > feed.last:
            self._heal_soon(feed)

    def _apply(self, feed: MissionFeed, event: Event) -> None:
        if event.revised is not None:
            _tell_author(feed, event, event.revised)
        for stream in feed.apply(event):
            self._dirty[stream] = None
        if self._dirty:
            self._wake.set()

    def _drain(self, feed: MissionFeed) -> None:
        while feed.early and (event := feed.next_early()) is not None:
            self._apply(feed, event)

    def _heal_soon(self, feed: MissionFeed) -> None:
        if not feed.healing:
            feed.healing = True
            task = asyncio.get_running_loop().create_task(self._wait_and_heal(feed))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _wait_and_heal(self, feed: MissionFeed) -> None:
        try:
            await asyncio.sleep(STRAGGLER)
            if feed.early:
                await self._heal_or_say(feed)
        finally:
            feed.healing = False

    async def _heal_or_say(self, feed: MissionFeed) -> None:
        """One mission's failure is its own; the next comparison tries again."""
        try:
            await self._heal(feed)
        except Exception as error:  # noqa: BLE001  (whatever it was, comparing heals)
            logger.warning("healing failed (%s); the comparison will", type(error).__name__)

    def _may_tell(self) -> bool:
        return self._watch.fresh

    async def _heal(self, feed: MissionFeed) -> None:
        """Reads what is missing from the change rows, in order, until nothing is.

        Where the rows themselves begin later (a log was pruned), nobody here can be brought
        forward: the histories are read again.
        """
        while feed.last is not None and self._may_tell():
            behind = feed.last
            missing = await threads.in_watch_thread(
                changes.following, UUID(feed.mission_id), feed.last
            )
            if not self._may_tell():
                return  # rights may have changed while it was read: the comparison heals
            for event in missing:
                if feed.accept(event):
                    self._apply(feed, event)
            self._drain(feed)
            if feed.last == behind and missing:
                feed.begin_anew()
            if len(missing) < changes.CHUNK:
                return
            await self._taken(feed)

    @staticmethod
    async def _taken(feed: MissionFeed) -> None:
        """Lets sockets take a chunk before the next is read; who is too slow for it is closed."""
        for _ in range(LOOKS_BEHIND):
            await asyncio.sleep(LOOK_EVERY)
            members = (one for stream in feed.streams.values() for one in stream.members)
            if all(one.listener.waiting() <= LIVE_MOST for one in members):
                return

    async def _run(self) -> None:
        """Fans out: one write per socket for all that waits, a turn of the loop now and then."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            work, self._dirty = self._dirty, {}
            written = 0
            for stream in work:
                written = await self._fan_out(stream, written)
            await asyncio.sleep(0)

    async def _fan_out(self, stream: StreamFeed, written: int) -> int:
        for listener, frames, payloads in stream.fan_out():
            _write(listener, frames, payloads)
            written += 1
            if written >= SOCKETS_A_TURN:
                written = 0
                await asyncio.sleep(0)
        return written


def _tell_author(feed: MissionFeed, event: Event, revised: Revised) -> None:
    """Tells an author of its own update that no reset tells it of, while it could look it up.

    A place on the mission is the right to enter it; of an own update the roles are waived.
    """
    payload = encode_frame(
        SentFrame(mission=feed.mission_id, update=revised["update"], state=revised["state"])
    )
    for number, stream in feed.streams.items():
        cleared = VIEWERS[number].clearance >= revised["classification"]
        if not cleared or str(number) in event.epochs:
            continue
        for place in [*stream.members, *stream.waiting]:
            if str(place.agent_id) == revised["author"]:
                _write(place.listener, text_frame(payload), (payload,))


def _write(listener: Listener, frames: bytes, payloads: Sequence[bytes]) -> None:
    """One socket's failure is its own."""
    try:
        listener.write(frames, payloads)
    except Exception:
        logger.exception("a frame could not be written")


_of_loop: dict[asyncio.AbstractEventLoop, Switchboard] = {}


def current() -> Switchboard:
    """The running loop's switchboard, made at the first call."""
    loop = asyncio.get_running_loop()
    switchboard = _of_loop.get(loop)
    if switchboard is None:
        switchboard = _of_loop[loop] = Switchboard()
    return switchboard


async def _aclose() -> None:
    switchboard = _of_loop.pop(asyncio.get_running_loop(), None)
    if switchboard is not None:
        await switchboard.aclose()
