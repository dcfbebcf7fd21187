"""What follows from news of this app and earlier ones, one line each."""

from __future__ import annotations

from django.dispatch import receiver

from builds.models import BuildMove, JobMove, Project
from builds.models.job import JobKind
from builds.services.prune_builds import also_keeps
from builds.signals import build_moved, job_moved, project_clearing, project_moved
from builds.states import FINAL as JOB_FINAL
from builds.states import Status
from deployments.models import Deployment
from deployments.services import leaving, verify, watch
from deployments.services.advance import advance
from deployments.services.announce import announce
from deployments.services.check_again import check_by_itself
from deployments.services.keeps import released
from deployments.services.request import request_for_build
from deployments.services.settle import settle
from deployments.services.sync_environments import sync_environments
from deployments.signals import deployment_moved, environment_changed
from deployments.states import BUSY, DeploymentStatus


@receiver(build_moved)
def environments_follow_the_configuration(move: BuildMove, **_: object) -> None:
    """A build that waits no more was just planned: its environments are shown as it has them."""
    if move.came_from == Status.QUEUED:
        sync_environments(move.build)


@receiver(build_moved)
def a_passed_build_deploys(move: BuildMove, **_: object) -> None:
    """A release is made, and asked for where the plan says."""
    if move.went_to == Status.PASSED:
        request_for_build(move.build_id)


@receiver(job_moved)
def a_deployment_ends_with_its_job(move: JobMove, **_: object) -> None:
    """Live, failed, cancelled, or unknown."""
    if move.went_to in JOB_FINAL and move.job.kind == JobKind.DEPLOYMENT:
        settle(move.job_id)


@receiver(job_moved)
def a_stage_goes_on_with_its_checks(move: JobMove, **_: object) -> None:
    """It is looked at when they have ended."""
    if move.went_to in JOB_FINAL and move.job.kind == JobKind.CHECK:
        verify.check_ended(move.job_id)


@receiver(deployment_moved)
def what_is_live_is_watched(deployment_id: int, to: str, **_: object) -> None:
    """From the moment on which it went live."""
    if to == DeploymentStatus.LIVE:
        watch.watch_what_went_live(deployment_id)


@receiver(deployment_moved)
def what_nobody_knows_is_looked_at(deployment_id: int, to: str, **_: object) -> None:
    """Once by itself; after that a person asks for it."""
    if to == DeploymentStatus.UNKNOWN:
        check_by_itself(deployment_id)


@receiver(deployment_moved)
def pages_hear_of_it(deployment_id: int, **_: object) -> None:
    """Whoever looks at the environments sees the change."""
    announce(deployment_id)


@receiver(deployment_moved)
def the_next_one_goes(deployment_id: int, to: str, **_: object) -> None:
    """Asked for, or out of the way: the environment takes what is next."""
    if to in BUSY:
        return
    environment = Deployment.objects.filter(pk=deployment_id).values_list("environment_id", flat=True).first()
    if environment is not None:
        advance(environment)


@receiver(environment_changed)
def what_waits_is_asked_again(environment_id: int, **_: object) -> None:
    """A gate was changed: it may be open now, or open at another time."""
    advance(environment_id)


@receiver(environment_changed)
def it_is_watched_as_it_says_now(environment_id: int, **_: object) -> None:
    """Its `watch` may be new, changed or gone."""
    watch.watch_from_now(environment_id)


@receiver(project_moved)
def freezes_follow_their_project(project: Project, **_: object) -> None:
    """In the transaction that gives it to another organisation."""
    leaving.move_freezes(project)


@receiver(project_clearing)
def releases_go_before_their_builds(project: Project, **_: object) -> None:
    """The project is deleted for good."""
    leaving.clear(project)


# What was delivered is not pruned.
also_keeps(released)
