"""What still waits although its bell was rung, or was lost: the beat rings again."""

from __future__ import annotations

from django.db.models.functions import Now

from builds.models import Job
from builds.services.plan_turn import due
from builds.states import Status

_MOST_BELLS = 20


def unplanned() -> list[int]:
    """Ids of builds that nobody plans, and whose own bell had its chance."""
    return due(older_than_seconds=5)


def waiting_jobs() -> int:
    """How many jobs may run now, counted up to twenty: so many bells wake every runner there could be work for."""
    return Job.objects.filter(status=Status.QUEUED, not_before__lte=Now())[:_MOST_BELLS].count()
