"""Patience with PostgreSQL: a stuck call ends, and after two nobody waits any more."""

import os
import select
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import pytest
from django.db import OperationalError, connections, transaction
from django.db.utils import load_backend
from pytest_django import DjangoDbBlocker

from hq_project.environment import Environment
from hq_project.postgresql import connection as patient
from hq_project.postgresql.breaker import TRY_EVERY, Breaker, breaker
from tests.postgres_server import PostgresServer
from tests.processes import ROOT, frozen

T = TypeVar("T")

WAITED = 2.0
"""Seconds of one wait: enough that a busy machine does not make two of it."""


class Clock:
    """Time that a test moves."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def elsewhere(call: Callable[[], T]) -> T:
    """What it returns in a thread of its own, as the next request would see it."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(call).result()


def test_two_stuck_calls_open_it_and_one_answer_closes_it() -> None:
    """One is bad luck; two, and new calls are refused."""
    stuck = Breaker(Clock())
    elsewhere(stuck.stuck)
    assert not stuck.refuses()
    elsewhere(stuck.stuck)
    assert stuck.refuses()
    stuck.answered()
    assert not stuck.refuses()


def test_a_thread_that_waited_in_vain_does_not_wait_again() -> None:
    """One request waits once, though others are still let through."""
    clock = Clock()
    stuck = Breaker(clock)
    stuck.stuck()
    assert stuck.refuses()
    assert not elsewhere(stuck.refuses)
    clock.now += TRY_EVERY
    assert not stuck.refuses()


def test_an_open_one_lets_one_call_a_second_through() -> None:
    """Else nobody would find out that the database is back."""
    clock = Clock()
    stuck = Breaker(clock)
    elsewhere(stuck.stuck)
    elsewhere(stuck.stuck)
    clock.now += TRY_EVERY
    assert [stuck.refuses() for _ in range(3)] == [False, True, True]
    clock.now += TRY_EVERY
    assert not stuck.refuses()


@pytest.fixture
def wrapper(
    postgres_server: PostgresServer,
    monkeypatch: pytest.MonkeyPatch,
    django_db_blocker: DjangoDbBlocker,
) -> Iterator[Any]:
    """Django's connection by HQ's settings, with a shorter patience."""
    monkeypatch.setattr(patient, "ANSWER_WITHIN", WAITED)
    url = postgres_server.url("postgres")
    settings = Environment({"DATABASE_URL": url}).database("DATABASE_URL", None)  # type: ignore[arg-type]
    settings["OPTIONS"]["pool"]["timeout"] = WAITED
    settings |= {"TIME_ZONE": None, "AUTOCOMMIT": True, "ATOMIC_REQUESTS": False}
    made = load_backend(settings["ENGINE"]).DatabaseWrapper(settings, alias="patient")
    with django_db_blocker.unblock():
        yield made
    made.close()
    made.close_pool()
    breaker.answered()
    breaker._own.until = 0.0


def ask(wrapper: Any, *, keep: bool = False) -> None:
    """One query, as one request makes it; inside a transaction the connection is kept."""
    try:
        with wrapper.cursor() as cursor:
            cursor.execute("SELECT 1")
    finally:
        if not keep:
            wrapper.close()


def test_a_stuck_postgresql_is_given_up_and_found_again(
    wrapper: Any, postgres_server: PostgresServer
) -> None:
    """Calls end in time, the third at once; when it goes on, so do they."""
    ask(wrapper)
    with frozen(postgres_server):
        for _ in range(2):
            with pytest.raises(OperationalError):
                ask(wrapper)
            breaker._own.until = 0.0  # the next request has a thread of its own
        began = time.monotonic()
        with pytest.raises(OperationalError, match="stuck"):
            ask(wrapper)
        assert time.monotonic() - began < WAITED / 2
    end = time.monotonic() + 10
    while True:
        try:
            ask(wrapper)
        except OperationalError:
            assert time.monotonic() < end
            time.sleep(0.1)
        else:
            break
    assert not breaker.refuses()


def test_a_commit_that_is_stuck_is_waited_for_once(
    wrapper: Any, postgres_server: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither its rollback nor Django's new connection waits a second time."""
    monkeypatch.setitem(connections.databases, "patient", wrapper.settings_dict)
    connections["patient"] = wrapper
    atomic = transaction.atomic(using="patient")
    atomic.__enter__()
    ask(wrapper, keep=True)
    with frozen(postgres_server):
        began = time.monotonic()
        with pytest.raises(OperationalError):
            atomic.__exit__(None, None, None)
        assert time.monotonic() - began < 1.8 * WAITED
    del connections["patient"]


def test_a_transaction_that_was_ended_for_its_silence_is_the_databases_failure(
    wrapper: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An error that every caller knows, and the next request goes on."""
    wrapper.settings_dict["OPTIONS"]["options"] += " -c idle_in_transaction_session_timeout=50"
    monkeypatch.setitem(connections.databases, "patient", wrapper.settings_dict)
    connections["patient"] = wrapper
    with pytest.raises(OperationalError, match="idle-in-transaction"):  # noqa: PT012, SIM117
        with transaction.atomic(using="patient"):
            ask(wrapper, keep=True)
            assert select.select([wrapper.connection.fileno()], [], [], 10)[0]
            ask(wrapper, keep=True)
    ask(wrapper)
    del connections["patient"]


def test_the_tests_own_database_has_time_to_be_dropped(postgres_server: PostgresServer) -> None:
    """The connection that drops it does not give up after the product's four seconds."""
    ask_it = """
import django
django.setup()
from django.db import connection
with connection._nodb_cursor() as cursor:
    cursor.execute("SHOW statement_timeout")
    print(cursor.fetchone()[0])
"""
    env = os.environ | {
        "DATABASE_URL": postgres_server.url("postgres"),
        "DJANGO_SETTINGS_MODULE": "tests.settings",
    }
    said = subprocess.run(
        [sys.executable, "-c", ask_it],
        cwd=ROOT,
        env=env,
        capture_output=True,
        text=True,
        check=True,
    )
    assert said.stdout.strip() == "1min"
