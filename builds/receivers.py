"""What follows from news of this app and earlier ones, one line each."""

from __future__ import annotations

from collections.abc import Sequence

from django.db.models.signals import pre_delete
from django.dispatch import receiver

from builds.bells import ring
from builds.models import Build, BuildMove, Job, JobMove, Project, Step
from builds.services.announce import announce_builds, announce_job, announce_step
from builds.services.connect_repository import forget_at_host
from builds.signals import (
    build_moved,
    builds_created,
    job_cancelling,
    job_moved,
    job_waiting,
    outbox_filled,
    step_moved,
    work_left,
)
from builds.states import Status
from builds.tasks import deliver_outbox, do_left_work, plan_build, take_job


@receiver(builds_created)
def new_builds_are_planned(builds: Sequence[Build], **_: object) -> None:
    """A worker fetches the commit and reads its configuration; whoever looks at the projects sees the builds."""
    # Both go to Redis: where it took no bell within a second, the news would wait another in vain.
    if ring(plan_build, *(build.pk for build in builds)):
        announce_builds(builds)


@receiver(build_moved)
def pages_hear_of_the_build(move: BuildMove, **_: object) -> None:
    """Whoever looks at the build, its project or its organisation sees the change."""
    announce_builds([move.build])


@receiver(build_moved)
def an_approved_build_is_planned(move: BuildMove, **_: object) -> None:
    """A person has let a fork's build go on of which nothing was read yet."""
    if (move.came_from, move.went_to) == (Status.WAITING, Status.QUEUED) and move.build.planned_at is None:
        ring(plan_build, move.build_id)


@receiver(pre_delete, sender=Project)
def what_was_made_at_the_git_host_goes_too(instance: Project, **_: object) -> None:
    """Hook and deploy key of a project that is deleted, however that is done."""
    forget_at_host(instance)


@receiver(job_waiting)
def a_waiting_job_is_claimed(job_id: int, **_: object) -> None:
    """A runner with a free slot looks at the queue."""
    ring(take_job)


@receiver(job_moved)
def pages_hear_of_the_job(move: JobMove, **_: object) -> None:
    """Whoever looks at the build sees the job change."""
    announce_job(move.job)


@receiver(job_cancelling)
def pages_hear_that_the_job_is_to_stop(job: Job, **_: object) -> None:
    """Whoever looks at the build sees that it was asked for."""
    announce_job(job)


@receiver(step_moved)
def pages_hear_of_the_step(step: Step, **_: object) -> None:
    """Whoever looks at the build sees the step change."""
    announce_step(step)


@receiver(outbox_filled)
def what_is_to_leave_the_house_leaves(entry_id: int, **_: object) -> None:
    """A worker sends it."""
    ring(deliver_outbox, entry_id)


@receiver(work_left)
def what_is_large_is_done_by_a_worker(**_: object) -> None:
    """It makes what was asked for and removes what is being deleted."""
    ring(do_left_work)
