"""Celery's app: it rings bells and keeps the periodic work; the rows hold the truth (docs/architecture.md)."""

from __future__ import annotations

from typing import Any

from celery import Celery
from celery.signals import task_postrun, task_prerun
from structlog.contextvars import bind_contextvars, clear_contextvars

from ciservice import env

env.put("DJANGO_SETTINGS_MODULE", "ciservice.settings")

app = Celery("ciservice")
app.config_from_object("ciservice.celeryconfig")
app.autodiscover_tasks(["builds", "deployments", "notifications"])
if env.text("OTEL_EXPORTER_OTLP_ENDPOINT"):
    app.autodiscover_tasks(["ciservice.tracing"])


@task_prerun.connect
def _say_which_task(task: Any, **_: object) -> None:
    """Every line that it logs names it."""
    bind_contextvars(task=task.name)


@task_postrun.connect
def _forget_the_task(**_: object) -> None:
    clear_contextvars()
