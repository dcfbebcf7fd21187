"""What follows from news of this app and earlier ones, one line each."""

from __future__ import annotations

from django.dispatch import receiver

from builds.bells import ring
from builds.services.announce import announce_build, announce_job, announce_step
from builds.signals import (
    build_created,
    build_moved,
    job_cancelling,
    job_moved,
    job_waiting,
    outbox_filled,
    step_moved,
)
from builds.tasks import deliver_outbox, plan_build, take_job


@receiver(build_created)
def a_new_build_is_planned(build_id: int, **_: object) -> None:
    """A worker fetches the commit and reads its configuration."""
    ring(plan_build, build_id)


@receiver([build_created, build_moved])
def pages_hear_of_the_build(build_id: int, **_: object) -> None:
    """Whoever looks at the build, its project or its organisation sees the change."""
    announce_build(build_id)


@receiver(job_waiting)
def a_waiting_job_is_claimed(job_id: int, **_: object) -> None:
    """A runner with a free slot looks at the queue."""
    ring(take_job)


@receiver([job_moved, job_cancelling])
def pages_hear_of_the_job(job_id: int, **_: object) -> None:
    """Whoever looks at the build sees the job change."""
    announce_job(job_id)


@receiver(step_moved)
def pages_hear_of_the_step(step_id: int, **_: object) -> None:
    """Whoever looks at the build sees the step change."""
    announce_step(step_id)


@receiver(outbox_filled)
def what_is_to_leave_the_house_leaves(entry_id: int, **_: object) -> None:
    """A worker sends it."""
    ring(deliver_outbox, entry_id)
