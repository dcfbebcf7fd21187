"""The clock's door to the traces."""

from __future__ import annotations

from celery import shared_task

from ciservice.tracing.export import find_ended


@shared_task(ignore_result=True)
def find_traces(**from_a_newer_release: object) -> None:
    """Queue the traces of what ended."""
    find_ended()
