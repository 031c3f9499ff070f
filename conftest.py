"""What holds for every test inside this process: pytest's own database may be emptied."""

import importlib

import pytest
from django.db import connection
from pytest_django import DjangoDbBlocker

from agents import notebook
from agents.notebook import Notebook


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
