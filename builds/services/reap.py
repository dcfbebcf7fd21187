"""Take jobs from runners that are gone or overdue. Any process may, at any time, as many at once as like to.

A job is found by an indexed query, and looked at again once its row is held: two reapers reap it once.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import timedelta

from django.db import transaction
from django.db.models import Q
from django.db.models.functions import Now

from builds.logs.rescue import rescue
from builds.models import Job, Runner, Step
from builds.models.job import JobKind
from builds.services.endings import Ending, cancelled, lost, released
from builds.services.finish import settle
from builds.services.labels import asked, satisfies
from builds.services.move import hold
from builds.services.pulse import live_runners
from builds.states import Status
from runners.contract import Failure

log = logging.getLogger(__name__)

WHO = "reaper"
_AT_ONCE = 200
_CANCEL_SECONDS = 300
_GRACE_SECONDS = 60
_STUCK = Q(status=Status.QUEUED, not_before__lt=Now() - timedelta(hours=24))


def reap() -> int:
    """Settle every job whose lease ran out or whose runner was revoked, whose deadline is long past, whose cancelling
    took more than five minutes, or that no runner took in a day. Returns how many.
    """
    revoked = Runner.objects.filter(revoked_at__isnull=False).values("name")
    rules: list[tuple[Q, Callable[[Job], Ending]]] = [
        (Q(status=Status.RUNNING, owner__in=revoked), _barred),
        (Q(status=Status.RUNNING, lease_expires_at__lt=Now()), _vanished),
        (Q(status=Status.RUNNING, deadline_at__lt=Now() - timedelta(seconds=_GRACE_SECONDS)), _overdue),
        (Q(status=Status.RUNNING, cancel_requested_at__lt=Now() - timedelta(seconds=_CANCEL_SECONDS)), cancelled),
    ]
    settled = sum(
        _reap_one(pk, which, ending)
        for which, ending in rules
        for pk in Job.objects.filter(which).order_by("pk").values_list("pk", flat=True)[:_AT_ONCE]
    )
    return settled + sum(_reap_one(pk, _STUCK, _nobody) for pk in _without_runner())


def take_from(owner: str) -> int:
    """Settle, as lost, every job of a runner that was revoked. Returns how many."""
    its = Q(status=Status.RUNNING, owner=owner)
    return sum(_reap_one(pk, its, _barred) for pk in list(Job.objects.filter(its).values_list("pk", flat=True)))


def _reap_one(pk: int, which: Q, ending: Callable[[Job], Ending]) -> bool:
    with transaction.atomic():
        job = hold(pk)
        # Held now: a heartbeat or another reaper may have come between.
        if job is None or not Job.objects.filter(which, pk=pk).exists():
            return False
        owner = job.owner
        running = list(Step.objects.filter(job=job, status=Status.RUNNING))
        if not settle(job, ending(job), who=WHO):
            return False
        for step in running:
            rescue(step)
    log.warning("job=%s attempt=%s owner=%r was settled by the reaper", job.uuid, job.attempt, owner)
    return True


def _vanished(job: Job) -> Ending:
    return lost(job, failure=Failure.RUNNER_LOST, why=f"the runner {job.owner} was lost.")


def _barred(job: Job) -> Ending:
    """Its runner was revoked: the attempt is lost."""
    return lost(job, failure=Failure.RUNNER_LOST, why=f"the runner {job.owner} was revoked.")


def _overdue(job: Job) -> Ending:
    if job.kind == JobKind.DEPLOYMENT:
        # A runner that lets a job run on has stopped listening: how far it came nobody knows.
        return lost(job, failure=Failure.RUNNER_LOST, why=f"it ran on past its time, and {job.owner} did not stop it.")
    reason = "It took longer than allowed, and its runner did not stop it."
    return Ending(to=Status.FAILED, reason=reason, failure=Failure.TIMED_OUT, steps=Status.FAILED, fields=released(job))


def _without_runner() -> list[int]:
    """Jobs that waited a day, and that no runner which is alive now could ever take."""
    stuck = list(Job.objects.filter(_STUCK).order_by("pk").values_list("pk", "labels")[:_AT_ONCE])
    if not stuck:
        return []
    alive = [(frozenset(labels), serves) for labels, serves in live_runners().values_list("labels", "serves")]
    return [pk for pk, wanted in stuck if not any(satisfies(labels, wanted, serves=serves) for labels, serves in alive)]


def _nobody(job: Job) -> Ending:
    words = ", ".join(sorted(asked(job.labels)))
    wanted = f"no runner with the labels {words}" if words else "no runner"
    return Ending(to=Status.ERRORED, reason=f"It waited for a day, and there is {wanted}.")
