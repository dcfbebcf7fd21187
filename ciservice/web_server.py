"""gunicorn with our pages and API, in the process that serves them."""

from __future__ import annotations

import warnings
from typing import Any

from django.utils.module_loading import import_string
from gunicorn.app.base import BaseApplication

from builds.logs.hub import end_streams_when

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


def serve(*, bind: str, workers: int) -> None:
    """Serve at `bind` until SIGTERM. Django must be set up."""
    # WhiteNoise's files are small, and read by Django's own adapter for synchronous iterators.
    warnings.filterwarnings("ignore", message="StreamingHttpResponse must consume synchronous iterators")
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
