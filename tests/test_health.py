"""`/healthz` and `/readyz`: what supervisors and load balancers act on."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connection
from django.test import Client

from agents import live
from tests.patience import PATIENCE

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def no_database() -> Iterator[None]:
    """The database is where nobody answers, until the test is over."""
    kept = dict(connection.settings_dict)
    connection.close()
    connection.settings_dict.update(NAME="/nowhere/hq", HOST="127.0.0.1", PORT="1", OPTIONS={})
    yield
    connection.close()
    connection.settings_dict.update(kept)


@pytest.fixture
async def closed_after() -> AsyncIterator[None]:
    """Closes the loop's channel on the layer after the test."""
    yield
    await live.aclose()


def get(path: str) -> tuple[int, Any]:
    """Status and body."""
    answer = Client().get(path)
    connection.close()
    return answer.status_code, answer.json()


@pytest.mark.parametrize("slash", ["", "/"])
def test_healthz_says_ok_while_the_process_lives(slash: str) -> None:
    """200 without a credential; nothing is cached."""
    assert get(f"/healthz{slash}") == (200, {"status": "ok"})
    assert "no-store" in Client().get("/healthz").headers["Cache-Control"]


@pytest.mark.usefixtures("no_database")
def test_healthz_says_ok_without_a_database() -> None:
    """A restart would not bring the database back."""
    assert get("/healthz") == (200, {"status": "ok"})


@pytest.mark.usefixtures("no_database")
def test_readyz_says_no_without_a_database() -> None:
    """503, and which part it is, and no more."""
    assert get("/readyz") == (503, {"database": "down", "live": "ok", "healing": "ok"})


@pytest.mark.usefixtures("closed_after")
async def test_readyz_says_yes_once_the_layer_is_heard() -> None:
    """503 while the loop has not come to listen, 200 after."""
    live.current()
    with ThreadPoolExecutor(1) as asking:
        # The loop stands still for this one, so the channel just made is not heard yet.
        answer = asking.submit(get, "/readyz").result()
    assert answer == (503, {"database": "ok", "live": "down", "healing": "ok"})
    async with asyncio.timeout(PATIENCE):
        while answer[0] != 200:
            answer = await asyncio.to_thread(get, "/readyz/")
    assert answer == (200, {"database": "ok", "live": "ok", "healing": "ok"})


def test_health_is_read_only() -> None:
    """405 for a POST."""
    for path in ("/healthz", "/readyz"):
        assert Client().post(path).status_code == 405
