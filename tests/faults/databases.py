"""A PostgreSQL of a test's own, which the test and its house use instead of the one of the run."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path

from django.core.management import call_command
from django.db import connections

from tests import servers


@contextlib.contextmanager
def own_postgres(prepare: Callable[[Path], object] = lambda folder: None) -> Iterator[servers.Postgres]:
    """Migrated, and the default database until the end; `prepare` gets its folder while it is empty."""
    server = servers.Postgres(prepare)
    usual = connections.settings["default"]
    try:
        server.start()
        connections["default"].close()
        connections.settings["default"] = {
            **usual,
            "ENGINE": "django.db.backends.postgresql",
            "NAME": "postgres",
            "USER": "ci",
            "PASSWORD": "",
            "HOST": str(server.dir),
            "PORT": "",
            "OPTIONS": {},
        }
        del connections["default"]
        call_command("migrate", verbosity=0)
        yield server
    finally:
        connections["default"].close()
        connections.settings["default"] = usual
        del connections["default"]
        server.remove()
