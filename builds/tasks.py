"""Celery's doors: they take ids, call one service, and hold no rules of their own."""

from __future__ import annotations

import logging
from typing import Any

from celery import shared_task

from builds.signals import bell_rung

log = logging.getLogger(__name__)


def ring(task: Any, *arguments: int) -> bool:
    """Send a wake-up; False where the broker did not take it within a second. What it was to wake is found by the sweeps."""
    try:
        task.apply_async(arguments, retry=False)
    except Exception as error:  # noqa: BLE001  # kombu lets errors of its transports through as they are
        log.warning("the bell %s was not rung: %s", task.name, error)
        return False
    return True


@shared_task(ignore_result=True)
def take_job(**from_a_newer_release: object) -> None:
    """On a runner: a job may be waiting."""
    bell_rung.send_robust(take_job)
