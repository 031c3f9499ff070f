"""The database's clock at the moment a row was locked: the one clock that all workers share."""

from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models.functions import Now
from django.db.models.sql.compiler import SQLCompiler


class LockedAt(Now):
    """The time at which a locked row is read.

    PostgreSQL's usual `now` is the statement's start: whoever waited for the lock would date its
    update before the one that it waited for.
    """

    def as_postgresql(
        self, compiler: SQLCompiler, connection: BaseDatabaseWrapper, **extra: Any
    ) -> Any:
        """The wall clock, read again for a row that changed while it was waited for."""
        return self.as_sql(compiler, connection, template="CLOCK_TIMESTAMP()", **extra)
