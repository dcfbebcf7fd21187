"""Celery's doors to the services; they hold no rules of their own."""

from __future__ import annotations

from celery import shared_task

from deployments.services.sweep import sweep


@shared_task(ignore_result=True)
def advance_all(**from_a_newer_release: object) -> None:
    """Pick up whatever a lost signal left."""
    sweep()
