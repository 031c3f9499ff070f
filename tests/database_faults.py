"""What a database does at the wrong moment: a query fails, or something happens around it.

Stands at Django's own door, `execute_wrappers`, of every connection of this process, in whatever
thread it is made. A pattern is a regular expression that is searched in the SQL, whose names are
quoted and whose values are placeholders. Called by tests of both apps.
"""

import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NoReturn

from django.db import Error, OperationalError
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created

Act = Callable[[], object]
Before = Callable[[BaseDatabaseWrapper, str], object]


def _nothing(*_: object) -> None:
    """What mostly happens."""


class Moment:
    """The queries of a pattern while a test waits for them: `met` says how many there were."""

    def __init__(
        self,
        pattern: str,
        times: int | None,
        *,
        before: Before = _nothing,
        after: Act = _nothing,
    ) -> None:
        self.met = 0
        self.before, self.after = before, after
        self._left = times
        self._pattern = re.compile(pattern, re.DOTALL)
        self._lock = threading.Lock()

    def comes(self, sql: str) -> bool:
        """Counts the query if it is one of them; whether something is still to happen."""
        if not self._pattern.search(sql):
            return False
        with self._lock:
            self.met += 1
            if self._left == 0:
                return False
            if self._left is not None:
                self._left -= 1
            return True


_moments: list[Moment] = []


@contextmanager
def failing(
    pattern: str = "", error: type[Exception] = OperationalError, *, times: int | None = None
) -> Iterator[Moment]:
    """These queries are not asked but fail, always or so many times, with Django's or any error."""

    def fail(connection: BaseDatabaseWrapper, _: str) -> NoReturn:
        if issubclass(error, Error):
            # As the driver says it: Django translates it and remembers it of the connection.
            with connection.wrap_database_errors:
                driver = connection.Database  # type: ignore[attr-defined]  # every engine has one
                raise getattr(driver, error.__name__)("The database is away.")
        raise error

    with _awaited(Moment(pattern, times, before=fail)) as moment:
        yield moment


@contextmanager
def when_asked(pattern: str, act: Act, *, times: int | None = 1) -> Iterator[Moment]:
    """Calls `act` just before such a query, in the thread that asks."""
    with _awaited(Moment(pattern, times, before=lambda *_: act())) as moment:
        yield moment


@contextmanager
def when_answered(pattern: str, act: Act, *, times: int | None = 1) -> Iterator[Moment]:
    """Calls `act` when such a query was answered and before the asker sees it, in its thread."""
    with _awaited(Moment(pattern, times, after=act)) as moment:
        yield moment


@contextmanager
def recorded(pattern: str, *, but: tuple[str, ...] = ()) -> Iterator[list[str]]:
    """The SQL of these queries as they come, from every thread but those whose names begin so."""
    said: list[str] = []

    def note(_: object, sql: str) -> None:
        if not threading.current_thread().name.startswith(but):
            said.append(sql)

    with _awaited(Moment(pattern, None, before=note)):
        yield said


@contextmanager
def _awaited(moment: Moment) -> Iterator[Moment]:
    _moments.append(moment)
    try:
        yield moment
    finally:
        _moments.remove(moment)


def _door(execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
    here = [moment for moment in tuple(_moments) if moment.comes(sql)]
    for moment in here:
        moment.before(context["connection"], sql)
    answer = execute(sql, params, many, context)
    for moment in here:
        moment.after()
    return answer


def _stand_at(connection: BaseDatabaseWrapper, **_: object) -> None:
    if _door not in connection.execute_wrappers:
        connection.execute_wrappers.append(_door)


connection_created.connect(_stand_at)
