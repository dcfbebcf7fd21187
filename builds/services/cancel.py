"""Cancel: what waits is cancelled at once; what runs is flagged, and its runner sees the flag within a second."""

from __future__ import annotations

from django.db import transaction
from django.db.models.functions import Now

from builds.models import Build, Job
from builds.services.move import hold, move_build, move_held
from builds.services.steps import close_steps
from builds.signals import job_cancelling, send_on_commit
from builds.states import Status


def cancel(build: Build, *, who: str, reason: str) -> bool:
    """Cancel what of the build can still change. False where nothing could, or all of it was asked for before."""
    with transaction.atomic():
        row = Build.objects.select_for_update(no_key=True).defer("plan").get(pk=build.pk)
        if row.is_final:
            return False
        jobs = list(Job.objects.pipelines().unfinished().filter(build=row).order_by("pk").only("pk"))
        if not jobs:
            return move_build(row.pk, Status.CANCELLED, who=who, reason=reason)
        cancelled = [cancel_job(job, who=who, reason=reason) for job in jobs]
        return any(cancelled)


def cancel_job(job: Job, *, who: str, reason: str) -> bool:
    """Cancel one job. False where it has ended, or was asked to stop before."""
    with transaction.atomic():
        row = hold(job.pk)
        if row is None or row.is_final:
            return False
        if row.status != Status.RUNNING:
            move_held(row, Status.CANCELLED, who=who, reason=reason, fields={})
            close_steps(row.pk, Status.CANCELLED, reason=reason)
            return True
        if row.cancel_requested_at is not None:
            return False
        row.cancel_requested_at, row.cancel_reason = Now(), reason
        row.save(update_fields=["cancel_requested_at", "cancel_reason"])
        send_on_commit(job_cancelling, Job, job=row)
        return True
