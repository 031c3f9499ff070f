"""Waiting for the threads of sockets really waits."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests import pools


def test_rest_waits_for_each_thread_and_for_what_is_queued() -> None:
    """One thread is held up, more work stands in line: nobody rests until all is done."""
    go_on, done = threading.Event(), threading.Event()
    with ThreadPoolExecutor(2) as pool, ThreadPoolExecutor(1) as other:
        for work in (go_on.wait, go_on.wait, done.set):
            pool.submit(work)
        resting = other.submit(pools.rest, pool)
        with pytest.raises(TimeoutError):
            resting.result(0.1)
        go_on.set()
        resting.result(10)
        assert done.is_set()


def test_rest_asks_nothing_of_a_pool_without_threads() -> None:
    """A test that touched no database starts none."""
    with ThreadPoolExecutor(2) as pool:
        pools.rest(pool)
        assert not pool._threads
