"""Logs: readable lines while developing, one JSON object a line else and in LOG_FILE."""

import logging
import logging.config
import re
from collections.abc import MutableMapping
from http import HTTPStatus
from typing import Any

import structlog

from realtime.characters import escaped

LONGEST = 2000  # characters of one value: an address alone may have 16,384
TRACES = ("exception", "stack")
_SECRETS = re.compile(r"(?i)((?:token|access|refresh|password|key)=|bearer[ .])[^&\s\"']+")


def redact(_logger: Any, _name: str, entry: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Blank what looks like a credential in an address or a header: logs are read by many."""
    for key, value in entry.items():
        if isinstance(value, str):
            entry[key] = _SECRETS.sub(r"\1[redacted]", value)
    return entry


def escape(_logger: Any, _name: str, entry: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Keep what clients send from acting on a terminal, from beginning a line, and from filling the log."""
    for key, value in entry.items():
        if isinstance(value, str):
            is_trace = key in TRACES
            clipped = value if is_trace or len(value) <= LONGEST else f"{value[:LONGEST]}…"
            entry[key] = escaped(clipped, lines=is_trace)
    return entry


class OutageFilter(logging.Filter):
    """An outage is one line and no error: `log_away` writes it, or this does where a middleware met it."""

    def filter(self, record: logging.LogRecord) -> bool:
        from realtime.outages import is_away  # once the settings, which import this, are there

        if getattr(record, "status_code", None) == HTTPStatus.SERVICE_UNAVAILABLE:
            return False
        failure = record.exc_info[1] if record.exc_info else None
        if is_away(failure):
            record.msg = f"{record.getMessage()}: the database does not answer: {failure}".partition("\n")[0]
            record.args = record.exc_info = record.exc_text = None
            record.levelno, record.levelname = logging.WARNING, "WARNING"
        return True


SHARED: list[Any] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.stdlib.PositionalArgumentsFormatter(),
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    structlog.processors.StackInfoRenderer(),
    structlog.processors.format_exc_info,
    redact,
    escape,
]


def logging_config(*, debug: bool, file: str) -> dict[str, Any]:
    """A logging.config dictionary; `file` is a path or empty."""
    handlers: dict[str, Any] = {
        "console": {
            "class": "devmentor.log_handlers.ConsoleLog",
            "formatter": "readable" if debug else "json",
        }
    }
    if file:
        handlers["file"] = {"class": "devmentor.log_handlers.FileLog", "path": file, "formatter": "json"}
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "readable": _formatter(structlog.dev.ConsoleRenderer(colors=False)),
            "json": _formatter(structlog.processors.JSONRenderer()),
        },
        "filters": {"outages": {"()": "devmentor.logs.OutageFilter"}},
        "handlers": handlers,
        "root": {"handlers": list(handlers), "level": "INFO"},
        "loggers": {
            "django.request": {"level": "ERROR", "filters": ["outages"]},
            "django.security": {"level": "CRITICAL"},  # a 400 for them, no traceback for us
            "django.security.csrf": {"level": "WARNING"},  # says why a form is refused
            "django_structlog": {"level": "WARNING"},
            "axes": {"level": "ERROR"},
            "channels_redis": {"level": "CRITICAL"},  # a traceback a second; realtime.broadcast says it once
            "uvicorn": {"level": "WARNING"},
            "daphne": {"level": "WARNING"},
        },
    }


def configure(config: dict[str, Any]) -> None:
    """Django's LOGGING_CONFIG hook: standard logging and structlog end in the same handlers."""
    logging.config.dictConfig(config)
    structlog.configure(
        processors=[*SHARED, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )


def _formatter(renderer: Any) -> dict[str, Any]:
    return {
        "()": structlog.stdlib.ProcessorFormatter,
        "processors": [structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        "foreign_pre_chain": SHARED,
    }
