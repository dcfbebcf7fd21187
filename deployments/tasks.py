"""Celery's doors to the services; they hold no rules of their own."""

from __future__ import annotations

from celery import shared_task

from deployments.services import look, watch
from deployments.services.sweep import sweep


@shared_task(ignore_result=True)
def advance_all(**from_a_newer_release: object) -> None:
    """Pick up whatever a lost signal left."""
    sweep()


@shared_task(ignore_result=True)
def look_at_stages(**from_a_newer_release: object) -> None:
    """Open what is due of the stages that are verified, and decide."""
    look.look_due()


@shared_task(ignore_result=True)
def look_at_environments(**from_a_newer_release: object) -> None:
    """Open what is due of the environments that are watched."""
    watch.look_due()
