"""Looks at start whether what we stand on is new enough: said in the log, each with its remedy; nothing is stopped."""

from __future__ import annotations

import logging
import subprocess
from collections.abc import Callable, Iterator
from typing import Any

from django.db import Error, connection

from ciservice.celery import app as celery_app
from runners.floors import GIT, POSTGRES, REDIS, Floor

log = logging.getLogger(__name__)

_SECONDS = 10


def obstacles() -> Iterator[str]:
    """One sentence for each program that answers and is too old. Who does not answer is not judged."""
    asked: list[tuple[Floor, Callable[[], str]]] = [(GIT, _git), (REDIS, _redis), (POSTGRES, _postgres)]
    for floor, ask in asked:
        if obstacle := floor.obstacle(ask()):
            yield obstacle


def report() -> None:
    """Write them to the log."""
    for obstacle in obstacles():
        log.error("%s", obstacle)


def _git() -> str:
    try:
        done = subprocess.run(["git", "--version"], capture_output=True, text=True, timeout=_SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout


def _redis() -> str:
    try:
        with celery_app.connection_for_read() as broker:
            channel: Any = broker.channel()
            return str(channel.client.info("server")["redis_version"])
    except Exception as error:  # noqa: BLE001  # the edge to the broker, whose transports have errors of their own
        log.info("Redis does not say its version: %s", error)
        # The greeting came with version 6: an older one does not even let a client in to ask.
        return "5" if "HELLO" in str(error) else ""


def _postgres() -> str:
    if connection.vendor != "postgresql":
        return ""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SHOW server_version")
            return str(cursor.fetchone()[0])
    except Error as error:
        log.info("PostgreSQL does not say its version: %s", error)
        return ""
    finally:
        connection.close()
