"""Logs: one line an event, without secrets, through Python's own logging.

Owns how every record looks, whoever wrote it: HQ, Django, daphne, Twisted, asyncio. One JSON object
a line in production; readable under HQ_DEBUG, where only a traceback takes more lines than one.
Credentials are masked (`hq_project.masking`), and nothing in a record can end its line or act on a
terminal. In production a traceback says where something failed and of which type; what an exception
says is kept only of types that do not quote input, because bodies of updates must not get here.
Mails and pages that show a request are never made. ASVS 5.0: 14.2.4, 16.2.5, 16.4.1.

`settings.LOGGING` is `configuration()`; `take_over` is called once Django is set up. Modules log
with `logging.getLogger(__name__)`, or with structlog's `get_logger` where a line has fields.
"""

import json
import logging
import sys
import threading
import traceback
from collections.abc import Iterator
from types import TracebackType
from typing import Any, cast

import structlog
from django.core.exceptions import ImproperlyConfigured
from django.db import InterfaceError, OperationalError
from structlog.stdlib import ProcessorFormatter
from structlog.typing import EventDict, Processor

from hq_project.masking import masked

_QUOTE_NO_INPUT = (
    OSError,
    ImportError,
    NameError,
    AttributeError,
    TypeError,
    RuntimeError,
    ImproperlyConfigured,
    OperationalError,
    InterfaceError,
)


def configuration(*, development: bool) -> dict[str, Any]:
    """The value of Django's LOGGING."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"line": {"()": formatter, "development": development}},
        "handlers": {"line": {"class": "logging.StreamHandler", "formatter": "line"}},
        "root": {"handlers": ["line"], "level": "INFO"},
        "loggers": {
            # Without Django's own handlers: one would write twice, one would mail the request.
            "django": {"handlers": [], "level": "INFO"},
            "django.server": {"handlers": [], "level": "WARNING", "propagate": True},
            # What it says of refusals is in the access log.
            "django.request": {"level": "ERROR"},
            "daphne": {"level": "WARNING"},
        },
    }


def formatter(*, development: bool) -> logging.Formatter:
    """Turns every record of the process into its line."""
    return ProcessorFormatter(
        foreign_pre_chain=_before(),
        processors=[
            _refusal_as_one,
            _with_process,
            ProcessorFormatter.remove_processors_meta,
            _exception_in_full if development else _exception_without_input,
            _without_secrets,
            _readable if development else _json,
        ],
    )


def take_over(*, development: bool) -> None:
    """Has structlog's loggers, warnings and uncaught exceptions come the same way."""
    structlog.configure(
        processors=[*_before(), ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    # A record that cannot be formatted would else be printed with all its arguments.
    logging.raiseExceptions = development
    if not development:
        logging.captureWarnings(True)
        sys.excepthook = _uncaught
        threading.excepthook = _uncaught_in_thread


def _before() -> list[Processor]:
    return [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
    ]


def _refusal_as_one(logger: Any, method: str, event: EventDict) -> EventDict:
    """What Django refuses (a Host that is none, a body with too much in it) is no failure of HQ."""
    if str(event.get("logger", "")).startswith("django.security."):
        event.pop("exc_info", None)
        event["level"] = "warning"
    return event


def _with_process(logger: Any, method: str, event: EventDict) -> EventDict:
    event["process"] = event["_record"].process
    return event


def _without_secrets(logger: Any, method: str, event: EventDict) -> EventDict:
    return cast(EventDict, masked(event))


def _exception_in_full(logger: Any, method: str, event: EventDict) -> EventDict:
    raised = _raised(event.pop("exc_info", None))
    if raised is not None:
        event["exception"] = "".join(traceback.format_exception(raised)).rstrip()
    return event


def _exception_without_input(logger: Any, method: str, event: EventDict) -> EventDict:
    raised = _raised(event.pop("exc_info", None))
    if raised is not None:
        event["exception"] = "".join(_traceback(raised)).rstrip()
    return event


def _raised(exc_info: Any) -> BaseException | None:
    if exc_info is True:
        return sys.exc_info()[1]
    if isinstance(exc_info, tuple):
        exc_info = exc_info[1]
    return exc_info if isinstance(exc_info, BaseException) else None


def _traceback(raised: BaseException) -> Iterator[str]:
    """Where it came from and of which type it is, with its causes; the first cause first."""
    chain: list[BaseException] = []
    cause: BaseException | None = raised
    while cause is not None and cause not in chain:
        chain.append(cause)
        cause = cause.__cause__ or (None if cause.__suppress_context__ else cause.__context__)
    for one in reversed(chain):
        yield from traceback.format_tb(one.__traceback__)
        kind = f"{type(one).__module__}.{type(one).__qualname__}".removeprefix("builtins.")
        yield f"{kind}: {one}\n" if isinstance(one, _QUOTE_NO_INPUT) else f"{kind}\n"
        if isinstance(one, BaseExceptionGroup):
            for held in one.exceptions:
                yield from _traceback(held)


def _json(logger: Any, method: str, event: EventDict) -> str:
    first = {name: event.pop(name, None) for name in ("at", "level", "logger", "event")}
    # ASCII, so that no byte of it means anything to a terminal (DEL is what JSON leaves).
    return json.dumps({**first, **event}).replace("\x7f", "\\u007f")


def _readable(logger: Any, method: str, event: EventDict) -> str:
    at, level, name, said, exception = (
        str(event.pop(key, "")) for key in ("at", "level", "logger", "event", "exception")
    )
    event.pop("process", None)
    fields = "".join(f" {key}={value}" for key, value in event.items())
    line = _printable(f"{at[11:19]} {level.upper():7} {name}: {said}{fields}")
    return "\n    ".join([line, *map(_printable, exception.splitlines())])


def _printable(text: str) -> str:
    return "".join(
        one if one.isprintable() else one.encode("unicode_escape").decode() for one in text
    )


def _uncaught(
    kind: type[BaseException], raised: BaseException, where: TracebackType | None
) -> None:
    if issubclass(kind, KeyboardInterrupt):
        sys.__excepthook__(kind, raised, where)
    else:
        logging.getLogger("hq.uncaught").critical("uncaught", exc_info=(kind, raised, where))


def _uncaught_in_thread(args: threading.ExceptHookArgs) -> None:
    if args.exc_value is not None:
        name = args.thread.name if args.thread is not None else "-"
        logging.getLogger("hq.uncaught").critical(
            "uncaught in thread %s", name, exc_info=args.exc_value
        )
