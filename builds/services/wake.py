"""What still waits although its bell was rung, or was lost: the beat rings again."""

from __future__ import annotations

from django.db.models.functions import Now

from builds.models import Job
from builds.services.plan_turn import due
from builds.services.pulse import live_runners
from builds.states import Status


def unplanned() -> list[int]:
    """Ids of builds that nobody plans, and whose own bell had its chance."""
    return due(older_than_seconds=5)


def waiting_jobs() -> int:
    """How many jobs may run now, up to one for each runner: a bell has a runner fill all its slots."""
    most = max(live_runners().count(), 1)
    return Job.objects.filter(status=Status.QUEUED, not_before__lte=Now())[:most].count()
