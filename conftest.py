"""What holds for every test inside this process: pytest's own database may be emptied."""

import gc
import importlib
from collections.abc import Iterator

import pytest
from django.db import connection
from pytest_django import DjangoDbBlocker

from agents import notebook
from agents.notebook import Notebook
from tests import pools


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> None:
    """Takes the triggers off the audit log: they refuse the flush after a committing test.

    Tests of the triggers put them back for themselves.
    """
    made_by = ("0003_audit_append_only", "0004_audit_no_replacement")
    with django_db_blocker.unblock(), connection.cursor() as cursor:
        for name in made_by:
            migration = importlib.import_module(f"agents.migrations.{name}")
            for statement in migration.UNDO[connection.vendor]:
                cursor.execute(statement)


@pytest.fixture(autouse=True)
def own_notebook(monkeypatch: pytest.MonkeyPatch) -> Notebook:
    """Refusals wait until a test has them written: else a thread would, beside its transaction."""
    book = Notebook(by_itself=False)
    monkeypatch.setattr(notebook, "_notebook", book)
    return book


@pytest.fixture(autouse=True)
def rested_pools(request: pytest.FixtureRequest, _django_db_marker: None) -> Iterator[None]:
    """No thread of sockets is at work when the database of a test is emptied and closed to it.

    A task that ends does not end its thread. One that writes meanwhile waits for the flush that
    waits for it; one that commits just then cannot leave its transaction, and the next test that
    gets the thread writes on a snapshot of the past: "database is locked".
    """
    if "_django_db_helper" in request.fixturenames:  # asked for by name, and not by the mark
        request.getfixturevalue("_django_db_helper")
    yield
    pools.rest()


@pytest.fixture(autouse=True, scope="module")
def short_collections() -> None:
    """No collection of garbage halts a test that measures: each looks only at what its module made.

    The run holds half a gigabyte in the end. To look through all of it stops this process, and with
    it the clients whose answers are timed.
    """
    gc.collect()
    gc.freeze()
