"""How long a job may take."""

from __future__ import annotations

from django.conf import settings

from builds.models import Job


def seconds_allowed(job: Job) -> int:
    """Seconds from the claim to the end: the project's limit or the instance's; the configuration may only shorten it."""
    limit: int = job.build.project.timeout_seconds or settings.BUILD_TIMEOUT_SECONDS
    wanted = job.spec.get("timeout_seconds")
    return min(limit, wanted) if isinstance(wanted, int) and wanted > 0 else limit


def silence_allowed(job: Job) -> int:
    """Seconds a step may stay without output."""
    limit: int = job.build.project.silence_seconds or settings.SILENCE_TIMEOUT_SECONDS
    return limit
