"""A connection of psycopg's that waits for an answer so long and no longer."""

from typing import Any

import psycopg
from psycopg import errors

from hq_project.postgresql.breaker import breaker

ANSWER_WITHIN = 4.0
"""Seconds. A little more than the server's own limits, so that a slow server can say so itself."""


class Connection(psycopg.Connection[Any]):
    """Closes itself when an answer does not come: what it was asked may happen yet, or not."""

    def wait(self, gen: Any, interval: float = 0.1, timeout: float | None = None) -> Any:
        """As psycopg's, `OperationalError` after `ANSWER_WITHIN` seconds."""
        if timeout is not None:
            return super().wait(gen, interval, timeout)
        try:
            answer = super().wait(gen, interval, ANSWER_WITHIN)
        except errors._WaitTimeout:
            breaker.stuck()
            self.close()  # else a rollback would wait as long again
            raise psycopg.OperationalError("The database did not answer in time.") from None
        except errors.IdleInTransactionSessionTimeout as ended:
            # This process stood still, or was cut off: it is no mistake of the program's.
            raise psycopg.OperationalError(str(ended)) from None
        breaker.answered()
        return answer
