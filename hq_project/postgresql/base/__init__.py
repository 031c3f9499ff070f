"""What Django looks for under this name in a database engine: its wrapper of connections."""

from typing import Any

import psycopg
from django.db.backends.postgresql import base

from hq_project.postgresql.breaker import breaker
from hq_project.postgresql.connection import Connection


class DatabaseWrapper(base.DatabaseWrapper):
    """Takes connections from Django's pool, unless PostgreSQL is stuck."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        pool = self.settings_dict["OPTIONS"].get("pool")
        if isinstance(pool, dict):
            pool["connection_class"] = Connection

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        """A connection; `OperationalError` at once while the breaker is open."""
        if breaker.refuses():
            raise psycopg.OperationalError("The database is stuck: it is tried again in a moment.")
        try:
            return super().get_new_connection(conn_params)
        except psycopg.OperationalError:  # the pool's time is over: nobody answered it
            breaker.stuck()
            raise
