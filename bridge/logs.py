"""Log lines: JSON for machines, coloured words on a terminal; the libraries' lines take the same way.

Each line has an `event` (a stable name of what happened) and, where known, `task`, `run`, `request`, `build`, `pool`, and
always `service` and `replica`. No line shows a secret that the settings know: the rendered text is searched for them, so
that neither a traceback nor another library's message can carry one.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Collection, Iterable
from contextlib import AbstractContextManager
from functools import cache
from typing import Any, Final, Literal, TextIO
from urllib.parse import quote

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

Format = Literal["auto", "json", "console"]
Secrets = Callable[[], Collection[str]]
"""Gives the texts that must not be shown, as they are now: their files may have been replaced."""

# At DEBUG the clients of Taskcluster print Authorization headers and whole answers, credentials among them.
_CAPPED: Final = {
    "taskcluster": logging.INFO,
    "mohawk": logging.INFO,
    "aiohttp.access": logging.WARNING,
    "aiohttp": logging.INFO,
    "aio_pika": logging.WARNING,
    "aiormq": logging.WARNING,
    "asyncio": logging.INFO,
    "asyncpg": logging.INFO,
}
MASK: Final = "[secret]"
_SHORTEST: Final = 4
"""Characters; to search for shorter texts would tear words apart."""


def configure(form: Format, level: str, secrets: Secrets, stream: TextIO, **always: str) -> None:
    """Send all log lines to `stream`, each with the names in `always` (`service`, `replica`)."""
    readable = stream.isatty() if form == "auto" else form == "console"
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *_shared(),
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=_shared(),
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                *_rendered(readable=readable, colours=stream.isatty()),
                _without(secrets),
            ],
        )
    )
    logging.captureWarnings(capture=True)
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    for name, lowest in _CAPPED.items():
        logging.getLogger(name).setLevel(max(lowest, logging.getLevelNamesMapping()[level.upper()]))
    structlog.contextvars.clear_contextvars()
    structlog.contextvars.bind_contextvars(**always)


def about(**names: object) -> AbstractContextManager[None]:
    """Have every line inside carry these names, those of libraries too; `None` is left out."""
    return structlog.contextvars.bound_contextvars(**{name: value for name, value in names.items() if value is not None})


def logger() -> structlog.stdlib.BoundLogger:
    """The way to write lines: `logs.logger().info("run_moved", to="queued")`."""
    made: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger("bridge")
    return made


def _shared() -> list[Processor]:
    return [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        _library,
        structlog.stdlib.PositionalArgumentsFormatter(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]


def _library(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Name the library that a line is from; ours need none."""
    record: logging.LogRecord | None = event.get("_record")
    if record is not None and record.name != "bridge":
        event["library"] = record.name
    return event


def _rendered(*, readable: bool, colours: bool) -> list[Processor]:
    if readable:
        # Not the library's rich tracebacks: they show local variables, and credentials among them.
        plain = structlog.dev.plain_traceback
        return [structlog.dev.ConsoleRenderer(colors=colours, exception_formatter=plain)]
    return [
        structlog.processors.format_exc_info,
        structlog.processors.EventRenamer("event"),
        structlog.processors.JSONRenderer(default=str, ensure_ascii=False),
    ]


def _without(secrets: Secrets) -> Callable[[WrappedLogger, str, Any], str]:
    def mask(_logger: WrappedLogger, _method: str, line: Any) -> str:
        return masked(str(line), secrets())

    return mask


def masked(text: str, secrets: Iterable[str]) -> str:
    """The text without these secrets, in whatever form they stand in it; those of less than some characters are left."""
    for secret in sorted(secrets, key=len, reverse=True):
        if len(secret) >= _SHORTEST:
            for form in _forms(secret):
                text = text.replace(form, MASK)
    return text


@cache
def _forms(secret: str) -> frozenset[str]:
    """How a secret may stand in a line: as it is, as Python shows it, as in an address; each of them as in JSON as well."""
    plain = {secret, repr(secret)[1:-1], quote(secret, safe="")}
    once = plain | {form for text in plain for form in _in_json(text)}
    return frozenset(once | {form for text in once for form in _in_json(text)})


def _in_json(text: str) -> set[str]:
    return {json.dumps(text)[1:-1], json.dumps(text, ensure_ascii=False)[1:-1]}
