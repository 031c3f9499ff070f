"""One worker's server: its connections, their applications, and its orderly end.

Daphne's `Server` with HQ's factories. `run` is written anew because daphne's builds its own; on
the way down nothing of daphne's is left, because it forgets to tell applications that they end,
and fails on a connection whose application was already reaped.
"""

import asyncio
import contextlib
import logging
import signal
import socket
from collections.abc import Coroutine
from functools import partial
from typing import Any

import daphne.server  # installs the reactor: before anything else of Twisted's is imported
from twisted.internet import defer, endpoints, reactor
from twisted.logger import LogLevel, formatEvent, globalLogBeginner

from agents import connections, live, notebook, threads
from hq_project.serving import access
from hq_project.serving.channel import ChannelFactory
from hq_project.serving.inbox import Inbox
from hq_project.serving.protocol import Socket, SocketFactory

logger = logging.getLogger(__name__)

DRAIN_SECONDS = 5.0
"""For applications and connections to end by themselves after a stop was asked for."""

CANCEL_SECONDS = 1.0


class Server(daphne.server.Server):
    """Daphne's server, started by `worker`."""

    def __init__(self, *args: Any, lifeline: int | None = None, **options: Any) -> None:
        """`lifeline` is a descriptor that ends when the process does that this one belongs to."""
        # Who may say where a request came from is the application's decision, by its settings.
        for name in ("address", "port", "proto"):
            options[f"proxy_forwarded_{name}_header"] = None
        options["action_logger"] = access.log_action
        super().__init__(*args, **options)
        self.lifeline = lifeline
        self.stopping = False
        self.ports: list[Any] = []
        self.connections: dict[Any, dict[str, Any]] = {}
        self._ended = asyncio.Event()

    def run(self) -> None:
        """Serves until it is told to stop (SIGTERM, SIGINT, or the end of the lifeline)."""
        self.http_factory = ChannelFactory(self)
        self.ws_factory = SocketFactory(self)
        globalLogBeginner.beginLoggingTo(
            [_log_failures], redirectStandardIO=False, discardBuffer=True
        )
        asyncio.set_event_loop(reactor._asyncioEventloop)
        reactor.callLater(1, self.application_checker)
        reactor.callLater(2, self.timeout_checker)
        for description in self.endpoints:
            listening = _endpoint(description).listen(self.http_factory)
            listening.addCallbacks(self.listen_success, self.listen_error)
        reactor.addSystemEventTrigger("before", "shutdown", self._shutdown)
        if not self.abort_start:
            reactor.callWhenRunning(self._started)
            reactor.run(installSignalHandlers=False)

    def listen_success(self, port: Any) -> None:
        """A socket listens."""
        self.ports.append(port)
        super().listen_success(port)

    def create_application(self, protocol: Any, scope: dict[str, Any]) -> Any:
        """Starts the application on a connection; returns the queue that feeds it."""
        details = self.connections.get(protocol)
        if details is None:
            return None
        scope["asgi"] = {"version": "3.0", "spec_version": "2.4"}
        queue: asyncio.Queue[Any] | Inbox
        if isinstance(protocol, Socket):
            queue = protocol.application_queue
            scope["extensions"] = {
                "websocket.http.response": {},
                "hq.outgoing": protocol.outgoing,
                "hq.log": protocol.tell,
            }
        else:
            queue = asyncio.Queue()
        task = asyncio.ensure_future(
            self.application(scope, queue.get, partial(self.handle_reply, protocol))
        )
        details["application_instance"] = task
        task.add_done_callback(partial(self._application_ended, protocol))
        return queue

    def protocol_disconnected(self, protocol: Any) -> None:
        """A request was answered, or a connection is gone."""
        super().protocol_disconnected(protocol)
        self.something_ended()

    def something_ended(self) -> None:
        """Has a drain look again at what is left."""
        self._ended.set()

    def _application_ended(self, protocol: Any, task: asyncio.Task[Any]) -> None:
        # Daphne looks for ended applications once a second; a browser should not wait for that.
        self.something_ended()
        error = None if task.cancelled() else task.exception()
        if isinstance(protocol, Socket):
            if error is not None:
                protocol.handle_exception(error)
            else:
                protocol.application_ended()

    def stop(self) -> None:
        """Begins the end. Asked again, it is already on its way."""
        if not self.stopping:
            self.stopping = True
            super().stop()

    def _started(self) -> None:
        loop = reactor._asyncioEventloop
        if self.signal_handlers:
            for number in (signal.SIGTERM, signal.SIGINT):
                loop.add_signal_handler(number, self.stop)
        if self.lifeline is not None:
            loop.add_reader(self.lifeline, self._orphaned)
        _run_quietly(_start_live())

    def _orphaned(self) -> None:
        reactor._asyncioEventloop.remove_reader(self.lifeline)
        logger.warning("the process that started this worker is gone: stopping")
        self.stop()

    def _shutdown(self) -> defer.Deferred[None]:
        return defer.Deferred.fromFuture(asyncio.ensure_future(self._drain_and_close()))

    async def _drain_and_close(self) -> None:
        try:
            await self.drain()
        except Exception:
            logger.exception("the connections did not end in order")
        try:
            await asyncio.wait_for(live.aclose(), 2 * CANCEL_SECONDS)
        except TimeoutError:
            logger.warning("the channel layer was not left in time")
        except Exception:
            logger.exception("the channel layer was not left in order")

    async def drain(self) -> None:
        """Stops accepting, closes sockets with 1012, waits for what runs, cancels the rest."""
        for port in self.ports:
            port.stopListening()
        for channel in list(self.http_factory.channels):
            channel.drain()
        for protocol in list(self.connections):
            if isinstance(protocol, Socket):
                protocol.restart()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(DRAIN_SECONDS):
                while self._busy():
                    self._ended.clear()
                    await self._ended.wait()
        left = self._running()
        for task in left:
            task.cancel()
        if left:
            logger.warning("%d applications did not end in time and were cancelled", len(left))
            await asyncio.wait(left, timeout=CANCEL_SECONDS)

    def _busy(self) -> bool:
        return bool(
            self._running()
            or self.http_factory.channels
            or any("disconnected" not in details for details in self.connections.values())
        )

    def _running(self) -> list[asyncio.Task[Any]]:
        tasks = [details.get("application_instance") for details in self.connections.values()]
        return [task for task in tasks if task is not None and not task.done()]


def _endpoint(description: str) -> Any:
    """Twisted's endpoint; a descriptor without its plug-ins, which look through all packages."""
    kind, _, descriptor = description.partition(":fileno=")
    if kind != "fd":
        return endpoints.serverFromString(reactor, description)
    listening = socket.socket(fileno=int(descriptor))
    family = listening.family
    return endpoints.AdoptedStreamServerEndpoint(reactor, listening.detach(), family)


async def _start_live() -> None:
    # The first to be registered is the last to be closed: what ends may still leave a line.
    live.current().on_close(partial(threads.in_watch_thread, notebook.flush))
    notebook.begin()
    connections.current()  # ends at once what the process before this one held, if it died


def _run_quietly(work: Coroutine[Any, Any, None]) -> None:
    def report(task: asyncio.Task[None]) -> None:
        if not task.cancelled() and task.exception() is not None:
            logger.error("the worker's channel did not start", exc_info=task.exception())

    asyncio.ensure_future(work).add_done_callback(report)


def _log_failures(event: dict[str, Any]) -> None:
    """Twisted's log, of which only mistakes are worth keeping."""
    if event.get("log_level") in (LogLevel.error, LogLevel.critical):
        failure = event.get("log_failure")
        raised = failure and failure.value.with_traceback(failure.getTracebackObject())
        logger.error("twisted: %s", formatEvent(event), exc_info=raised)
