"""How the service's own log looks: a line for people, or a JSON object a line for machines, with build, job and request."""

from __future__ import annotations

from typing import Any

import structlog
from structlog.types import EventDict, Processor, WrappedLogger

FORMATS = ("plain", "json")
LEVELS = {
    "celery": "WARNING",
    "django.request": "ERROR",
    "docker": "WARNING",
    "urllib3": "WARNING",
}


def config(form: str, level: str) -> dict[str, Any]:
    """Django's LOGGING: everything to standard error in one of FORMATS, from `level` on.

    What was bound with structlog.contextvars (build, job, attempt, task, request) is in every line of that thread.
    """
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "chosen": {
                "()": structlog.stdlib.ProcessorFormatter,
                "processors": _JSON if form == "json" else _PLAIN,
                "foreign_pre_chain": [
                    structlog.contextvars.merge_contextvars,
                    structlog.stdlib.add_log_level,
                    structlog.stdlib.add_logger_name,
                    structlog.processors.TimeStamper(fmt="iso", utc=True),
                ],
            }
        },
        "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "chosen"}},
        "root": {"handlers": ["console"], "level": level},
        "loggers": {name: {"level": least} for name, least in LEVELS.items()},
    }


def _line(_: WrappedLogger, __: str, said: EventDict) -> str:
    """`time LEVEL logger text key=value …`, and the traceback below."""
    head = [said.pop("timestamp"), said.pop("level", "info").upper(), said.pop("logger", "-"), str(said.pop("event"))]
    traceback = said.pop("exception", "")
    line = " ".join([*head, *(f"{name}={value}" for name, value in said.items())])
    return f"{line}\n{traceback}" if traceback else line


_COMMON: list[Processor] = [
    structlog.stdlib.ProcessorFormatter.remove_processors_meta,
    structlog.processors.format_exc_info,
]
_PLAIN: list[Processor] = [*_COMMON, _line]
_JSON: list[Processor] = [
    *_COMMON,
    structlog.processors.EventRenamer("message"),
    structlog.processors.JSONRenderer(default=str),
]
