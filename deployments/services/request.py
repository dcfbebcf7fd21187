"""Ask for deployments: by a passed build, by a promotion, or by a person."""

from __future__ import annotations

import logging

from django.db import transaction

from accounts.models import User
from builds.models import Build
from builds.states import Status
from deployments.models import Deployment, Environment, Release
from deployments.services.admits import why_not_admitted
from deployments.services.move import create, hold
from deployments.services.plans import applies, deployments_of, may_deploy, plan_for
from deployments.services.releases import make_release
from deployments.services.sync_environments import sync_environments
from deployments.states import BUSY, PENDING

log = logging.getLogger(__name__)


class RefusedError(Exception):
    """What a person asks for cannot be; the text says why."""


def request_for_build(build_id: int) -> list[Deployment]:
    """Make the release of a passed build, and ask for it wherever its plan says. Twice asks once."""
    build = Build.objects.get(pk=build_id)
    if build.status != Status.PASSED or not may_deploy(build):
        return []
    plans = [plan for plan in deployments_of(build) if plan.applies and not plan.after]
    if not plans:
        return []
    with transaction.atomic():
        sync_environments(build)
        release = make_release(build)
        if build.exactly:
            return []  # what ran once more as it ran then goes where a person sends it
        return request_automatic(release, [plan.name for plan in plans], who=f"build {build.number}")


def request_promotions(deployment: Deployment) -> list[Deployment]:
    """After it went live: ask for the same release wherever the release's own plan says that this is what comes next."""
    if deployment.release.build.exactly:
        return []
    name = deployment.environment.name
    plans = [plan for plan in deployments_of(deployment.release.build) if plan.after == name and applies(plan)]
    return request_automatic(deployment.release, [plan.name for plan in plans], who=f"after {name}")


def request_automatic(release: Release, names: list[str], *, who: str) -> list[Deployment]:
    """Ask for `release` in the named environments, each once for ever; in the caller's transaction."""
    made = []
    for environment in Environment.objects.filter(project=release.project_id, name__in=names, retired=False):
        environment = hold(environment.pk)  # so that a doubled message finds what the first one wrote
        if refused := why_not_admitted(environment, release.build):
            log.info("project=%s %s: %s", release.project_id, release, refused)
            continue
        if not environment.deployments.filter(release=release, automatic=True).exists():
            made.append(create(Deployment(environment=environment, release=release), who=who))
    return made


def request_by_hand(
    environment: Environment,
    release: Release,
    *,
    user: User | None,
    who: str,
    reason: str = "",
    is_rollback: bool = False,
) -> Deployment:
    """Ask for `release` in `environment` as a person; RefusedError where it cannot go there."""
    if release.project_id != environment.project_id:
        raise RefusedError("This release is another project's")
    if environment.retired:
        raise RefusedError(f"{environment.name} is no longer in the configuration")
    if plan_for(release, environment) is None:
        raise RefusedError(f"The configuration of {release} does not know {environment.name}")
    if refused := why_not_admitted(environment, release.build):
        raise RefusedError(refused)
    deployment = Deployment(
        environment=environment,
        release=release,
        automatic=False,
        is_rollback=is_rollback,
        requested_by=user,
        request_reason=reason,
    )
    with transaction.atomic():
        hold(environment.pk)
        if environment.deployments.filter(release=release, status__in=BUSY | PENDING).exists():
            raise RefusedError(f"{release} is on its way to {environment.name} already")
        return create(deployment, who=who)
