"""The four processes of the service, each a function that runs until it is told to stop."""

from __future__ import annotations

import socket
import warnings
from typing import Any

import django
from celery.exceptions import SecurityWarning
from django.utils.module_loading import import_string
from gunicorn.app.base import BaseApplication

from builds.logs.hub import end_streams_when
from ciservice import env
from ciservice.celery import app as celery_app

# A stream of events ends when its process does; browsers reconnect to the next one.
GRACEFUL_SECONDS = 5


class _Web(BaseApplication):  # type: ignore[misc]  # gunicorn has no types
    """gunicorn, told what to serve by values instead of its command line."""

    def __init__(self, options: dict[str, Any]) -> None:
        self._options = options
        super().__init__()

    def load_config(self) -> None:
        for name, value in self._options.items():
            self.cfg.set(name, value)

    def load(self) -> Any:
        return import_string("ciservice.asgi.application")


def _setup() -> None:
    env.put("DJANGO_SETTINGS_MODULE", "ciservice.settings")
    django.setup(set_prefix=False)


def _look_around() -> None:
    """Say what is too old; for the processes that may wait a second for the answers."""
    import_string("ciservice.floors.report")()


def web(*, bind: str, workers: int) -> None:
    """Serve pages, webhooks and API at `bind` until SIGTERM."""
    # WhiteNoise's files are small, and read by Django's own adapter for synchronous iterators.
    warnings.filterwarnings("ignore", message="StreamingHttpResponse must consume synchronous iterators")
    _setup()
    _Web(
        {
            "bind": bind,
            "workers": workers,
            "worker_class": "asgi",
            "worker_connections": 2000,
            "asgi_lifespan": "off",
            "asgi_loop": "asyncio",
            "timeout": 60,
            "graceful_timeout": GRACEFUL_SECONDS,
            "keepalive": 15,
            "loglevel": "warning",
            "proc_name": "ciservice web",
            "control_socket_disable": True,
            # Streams end by themselves when their process does; browsers come back to the next one.
            "post_worker_init": lambda worker: end_streams_when(lambda: not worker.alive),
        }
    ).run()


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
