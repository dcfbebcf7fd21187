"""The four processes of the service, each a function that runs until it is told to stop."""

from __future__ import annotations

import socket
import warnings

import django
from celery.exceptions import SecurityWarning
from django.utils.module_loading import import_string

from ciservice import env
from ciservice.celery import app as celery_app


def _setup() -> None:
    env.put("DJANGO_SETTINGS_MODULE", "ciservice.settings")
    django.setup(set_prefix=False)


def _look_around() -> None:
    """Say what is too old; for the processes that may wait a second for the answers."""
    import_string("ciservice.floors.report")()


def web(*, bind: str, workers: int) -> None:
    """Serve pages, webhooks and API at `bind` until SIGTERM."""
    _setup()
    # What only this process needs is not loaded by the others.
    import_string("ciservice.web_server.serve")(bind=bind, workers=workers)


def worker(*, threads: int) -> None:
    """Consume the queue `work` with a pool of `threads` until SIGTERM."""
    _setup()
    _look_around()
    # It speaks JSON only; that it may run as root in a container is not worth a paragraph at every start.
    warnings.filterwarnings("ignore", category=SecurityWarning)
    celery_app.Worker(
        hostname=f"worker@{socket.gethostname()}",
        queues=["work"],
        pool="threads",
        concurrency=threads,
        without_gossip=True,
        without_mingle=True,
        without_heartbeat=True,
        loglevel="WARNING",
        quiet=True,
    ).start()


def runner() -> None:
    """Claim and run jobs until SIGTERM, which drains."""
    _setup()
    _look_around()
    import_string("builds.runner.main")()


def beat() -> None:
    """Ring the periodic bells until SIGTERM; what is due is kept in memory only."""
    _setup()
    celery_app.Beat(scheduler="celery.beat:Scheduler", loglevel="WARNING", quiet=True).run()
