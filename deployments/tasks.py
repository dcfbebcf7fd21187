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
def look_at_what_is_due(**from_a_newer_release: object) -> None:
    """Open the addresses of stages that are verified, and of environments that are watched."""
    look.look_due()
    watch.look_due()


@shared_task(ignore_result=True)
def find_unwatched(**from_a_newer_release: object) -> None:
    """Watch what a lost signal left alone."""
    watch.find_unwatched()
