"""HQ's settings, for a server whose first claimer of an overdue update dies with the claim.

The claim is in the database, and nobody was told. What runs after a commit was asked for by the
statement itself, before HQ goes on; the worker that is started again goes on living.
"""

import contextlib
import os
import signal
from pathlib import Path
from typing import Any

from django.db import transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created

from hq_project.settings import *  # noqa: F403  (everything)

DIED = Path(os.environ["HQ_VAR_DIR"]) / "died"


def _die_once() -> None:
    with contextlib.suppress(FileExistsError):
        DIED.open("x").close()
        os.kill(os.getpid(), signal.SIGKILL)


def _look(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
    result = execute(sql, params, many, context)
    if sql.startswith('UPDATE "missions_update" SET "overdue_at"'):
        transaction.on_commit(_die_once)
    return result


def _connected(sender: object, connection: BaseDatabaseWrapper, **_: Any) -> None:
    if _look not in connection.execute_wrappers:
        connection.execute_wrappers.append(_look)


connection_created.connect(_connected)
