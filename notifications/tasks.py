"""Celery's doors to the services; they hold no rules of their own."""

from __future__ import annotations

from celery import shared_task

from notifications.services.sweep import Sweep

_sweep = Sweep()


@shared_task(ignore_result=True)
def tell_missed(**from_a_newer_release: object) -> None:
    """Tell of what a lost signal left untold."""
    _sweep()
