"""Celery's app: it rings bells and keeps the periodic work; the rows hold the truth (docs/architecture.md)."""

from __future__ import annotations

from celery import Celery

from ciservice import env

env.put("DJANGO_SETTINGS_MODULE", "ciservice.settings")

app = Celery("ciservice")
app.config_from_object("ciservice.celeryconfig")
app.autodiscover_tasks(["builds", "deployments", "notifications"])
