"""The threads in which sockets touch the database, seen by tests."""

import threading
from concurrent.futures import ThreadPoolExecutor

from agents import threads

PATIENCE = 60.0


def rest(*pools: ThreadPoolExecutor) -> None:
    """Waits until every thread of these pools, or of HQ's own two, has done all it was given.

    `threading.BrokenBarrierError` when one is still at work after a minute.
    """
    for pool in pools or (threads._commands, threads._watch):
        if not pool._threads:
            continue
        # As many at once as there are threads: none of them is at work on anything else then.
        gate = threading.Barrier(pool._max_workers + 1)
        for _ in range(pool._max_workers):
            pool.submit(gate.wait, PATIENCE)
        gate.wait(PATIENCE)
