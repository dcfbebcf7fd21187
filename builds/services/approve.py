"""Let a waiting build go on: its jobs run once more from their first step, with the person's yes to its manual steps;
a fork's build, of which nothing was read yet, is planned.
"""

from __future__ import annotations

from datetime import timedelta

from django.db import transaction
from django.db.models.functions import Now

from accounts.models import User
from accounts.services.audit import record
from builds.models import Build, Job
from builds.services.cancel import cancel, cancel_job
from builds.services.move import hold, move_build, move_held
from builds.states import Status
from runners.approval import APPROVED_VARIABLE

WHO = "approvals"
APPROVAL_DAYS = 30
_AT_ONCE = 200


def approve(build: Build, *, user: User) -> bool:
    """Queue what waits of the build again, approved; older builds of its branch that wait are cancelled.

    A fork's build is approved for the one commit that it has; whatever its branch gets later waits anew.

    False where nothing waits, or somebody else was faster. The build's project and organisation are read from it.
    """
    with transaction.atomic():
        waiting = Job.objects.pipelines().filter(build=build, status=Status.WAITING).order_by("pk")
        approved = [_approve_job(pk, user) for pk in waiting.values_list("pk", flat=True)]
        if not any(approved) and not _approve_commit(build, user):
            return False
        organization, details = build.project.organization, {"commit": build.commit, "from_fork": build.from_fork}
        record("build.approved", str(build), user=user, organization=organization, details=details)
    # Each in a transaction of its own: two builds are never held at once. What a crash leaves expires.
    for older in _older(build):
        cancel(older, who=WHO, reason=f"Build #{build.number}, which is newer, was approved.")
    return True


def expire_unapproved() -> int:
    """Cancel jobs that nobody approved in time; returns how many."""
    long_ago, reason = Now() - timedelta(days=APPROVAL_DAYS), f"Nobody approved it within {APPROVAL_DAYS} days."
    jobs = Job.objects.filter(status=Status.WAITING, not_before__lt=long_ago)
    held = Build.objects.filter(status=Status.WAITING, is_held=True, created_at__lt=long_ago)
    return sum(cancel_job(job, who=WHO, reason=reason) for job in jobs.order_by("pk").only("pk")[:_AT_ONCE]) + sum(
        cancel(build, who=WHO, reason=reason) for build in held.order_by("pk").only("pk")[:_AT_ONCE]
    )


def _approve_commit(build: Build, user: User) -> bool:
    """Let a fork's build be planned. False where it does not wait for that."""
    held = Build.objects.filter(pk=build.pk, is_held=True, status=Status.WAITING, commit=build.commit)
    if not held.update(is_held=False):
        return False
    reason = f"Approved by {user}: commit {build.commit[:7]}."
    return move_build(build.pk, Status.QUEUED, who=user.email, reason=reason)


def _approve_job(pk: int, user: User) -> bool:
    job = hold(pk)
    if job is None or job.status != Status.WAITING:
        return False
    fields = {"variables": {**job.variables, APPROVED_VARIABLE: "true"}, "not_before": Now()}
    return move_held(job, Status.QUEUED, who=user.email, reason=f"Approved by {user}.", fields=fields)


def _older(build: Build) -> list[Build]:
    older = Build.objects.filter(project=build.project_id, ref=build.ref, number__lt=build.number)
    return list(older.filter(status=Status.WAITING).order_by("pk").only("pk", "number")[:_AT_ONCE])
