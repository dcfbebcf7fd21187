"""Celery's doors to the services; they hold no rules of their own."""

from __future__ import annotations

from celery import shared_task

from notifications.services.digest import queue_due
from notifications.services.prune import prune_messages
from notifications.services.sweep import Sweep

_sweep = Sweep()


@shared_task(ignore_result=True)
def tell_missed(**from_a_newer_release: object) -> None:
    """Tell of what a lost signal left untold, and of the day to whom its hour has come."""
    _sweep()
    queue_due()


@shared_task(ignore_result=True)
def prune(**from_a_newer_release: object) -> None:
    """Forget old messages."""
    prune_messages()
