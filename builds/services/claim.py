"""Take one waiting job for a runner: fair between organisations, inside their limits, and never twice.

The organisation's row is held while its running jobs are counted, so the limit is exact; who halts its work takes that
row, too, and so no claim is on its way when it has been halted. The job is taken together with its build, SKIP LOCKED:
a claim waits for nobody, and nobody can wait for it in a ring.
"""

from __future__ import annotations

import logging
import random
import time
from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings
from django.db import DataError, transaction
from django.db.models import Count, Exists, OuterRef, Q, Subquery
from django.db.models.functions import Coalesce, Now

from accounts.compiled import Compiled
from accounts.models import Organization
from builds.models import Halt, Job, Runner
from builds.services.identity import RunnerIdentity
from builds.services.lanes import Lane, open_lanes
from builds.services.move import follow, move_job, record_job_move
from builds.services.steps import open_steps
from builds.services.timeouts import seconds_allowed
from builds.states import Status

log = logging.getLogger(__name__)

_ROUNDS = 5


@dataclass(frozen=True, kw_only=True)
class Claim:
    """The right to run one attempt at one job, as long as the lease is renewed; every write carries `epoch`."""

    job_id: int
    epoch: int
    attempt: int
    owner: str


def claim(runner: RunnerIdentity) -> Claim | None:
    """The next job for this runner, or None where none may run now."""
    for attempt in range(_ROUNDS):
        if attempt:
            time.sleep(random.uniform(0.005, 0.03))  # noqa: S311  # another runner holds what we saw: let it finish
        lanes = open_lanes(runner)
        for lane in lanes:
            if taken := _take(lane, runner):
                return taken
        if not lanes:
            return None
    return None


def _take(lane: Lane, runner: RunnerIdentity) -> Claim | None:
    with transaction.atomic():
        organizations = Organization.objects.select_for_update(skip_locked=True, no_key=True)
        organization = organizations.filter(pk=lane.organization_id).first()
        if organization is None or not _has_place(organization, runner):
            return None
        job = _head(lane)
        if job is None:
            return None
        job.build.project.organization = organization
        try:
            with transaction.atomic():
                return _own(job, runner)
        except (ValueError, DataError) as error:
            # One job that cannot be begun must not stop the queue for everybody.
            log.exception("job=%s cannot be begun", job.uuid)
            reason = f"Its steps cannot be read: {type(error).__name__}."
            move_job(job.pk, Status.ERRORED, who=runner.name, reason=reason)
            return None


def _own(job: Job, runner: RunnerIdentity) -> Claim:
    fields = {
        "epoch": job.epoch + 1,
        "attempt": job.attempt + 1,
        "owner": runner.name,
        "failure": "",
        "lease_expires_at": Now() + timedelta(seconds=settings.LEASE_SECONDS),
        "deadline_at": Now() + timedelta(seconds=seconds_allowed(job)),
    }
    record_job_move(job, Status.RUNNING, who=runner.name, reason="", fields=fields)
    open_steps(job)
    follow(job.build, who=runner.name)
    return Claim(job_id=job.pk, epoch=job.epoch, attempt=job.attempt, owner=runner.name)


def _has_place(organization: Organization, runner: RunnerIdentity) -> bool:
    """Whether one more of its jobs may run, and on this runner; asked once its row is held."""
    for running, is_halted, is_barred in _PLACE.rows(organization.pk, runner.name):
        return running < organization.concurrency and not is_halted and not is_barred
    return False


_PLACE = Compiled(
    lambda organization_id, name: Organization.objects.filter(pk=organization_id).values_list(
        Coalesce(
            Subquery(
                Job.objects.filter(organization=OuterRef("pk"), status=Status.RUNNING)
                .order_by()
                .values("organization")
                .annotate(jobs=Count("pk"))
                .values("jobs")
            ),
            0,
        ),
        Exists(Halt.objects.filter(Q(organization=None) | Q(organization=OuterRef("pk")), ended_at=None)),
        Exists(
            Runner.objects.filter(name=name).exclude(paused_at=None, drain_at=None, revoked_at=None),
        ),
    ),
    *(7, "a name"),
)


def _head(lane: Lane) -> Job | None:
    waiting = Job.objects.select_for_update(skip_locked=True, no_key=True, of=("self", "build"))
    sealed = ("build__project__hook_secret", "build__project__ssh_private_key")
    waiting = waiting.select_related("build__project").defer("build__plan", *sealed)
    mine = waiting.filter(
        status=Status.QUEUED, labels=lane.labels, organization_id=lane.organization_id, not_before__lte=Now()
    )
    return mine.order_by("labels", "organization_id", "-priority", "not_before", "pk").first()
