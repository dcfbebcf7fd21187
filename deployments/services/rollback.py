"""Bring an earlier release back."""

from __future__ import annotations

from dataclasses import dataclass

from django.db import transaction

from accounts.models import User
from accounts.services.audit import record
from deployments.models import Deployment, Environment, Release
from deployments.services.cancel import cancel
from deployments.services.irreversible import irreversible_between
from deployments.services.move import hold
from deployments.services.plans import plan_for
from deployments.services.request import RefusedError, request_by_hand
from deployments.states import DeploymentStatus

MOST_SHOWN = 50
ROLLING = (DeploymentStatus.ROLLING_OUT, DeploymentStatus.VERIFYING)


@dataclass(frozen=True)
class Change:
    """What lies between what is live and the release that is to come, newest first; `omitted` more are not listed."""

    live: Release | None
    target: Release
    is_forward: bool
    releases: list[Release]
    omitted: int


def rollback(
    environment: Environment, release: Release, *, user: User | None, who: str, reason: str, override: str = ""
) -> Deployment:
    """Ask for a release that was live there before; RefusedError where that cannot be. What rolls out is stopped.

    `override`: why it goes although a release that cannot be taken back lies between. Back to what is live means: what
    rolls out is taken back.
    """
    if not reason.strip():
        raise RefusedError("Say why: the reason stays in the history")
    with transaction.atomic():
        hold(environment.pk)
        _check_reversible(environment, release, user=user, override=override.strip())
        live = environment.deployments.live().first()
        rolling = environment.deployments.filter(status__in=ROLLING).select_related("environment", "release").first()
        if live is not None and live.release_id == release.pk:
            if rolling is None:
                raise RefusedError(f"{release} is what is live in {environment.name}")
            return _turn_back(rolling, release, who=who, reason=reason.strip())
        if not was_live(environment, release):
            raise RefusedError(f"{release} was never live in {environment.name}: deploy it instead")
        made = request_by_hand(environment, release, user=user, who=who, reason=reason.strip(), is_rollback=True)
        if rolling is not None:
            cancel(rolling, who=who, reason=f"Rolled back to {release}: {reason.strip()}")
        return made


def _turn_back(rolling: Deployment, release: Release, *, who: str, reason: str) -> Deployment:
    said = f"Rolled back to {release}: {reason}"
    if rolling.job is not None and rolling.job.cancel_requested_at is not None:
        raise RefusedError(f"{rolling.release} is being stopped already")
    if not cancel(rolling, who=who, reason=said):
        raise RefusedError(f"{rolling.release} cannot be stopped any more: look again")
    rolling.refresh_from_db()
    return rolling


def _check_reversible(environment: Environment, release: Release, *, user: User | None, override: str) -> None:
    past = irreversible_between(environment, release)
    if not past:
        return
    told = ", ".join(f"{each} ({each.irreversible})" for each in past[:5])
    if not override:
        raise RefusedError(f"What cannot be taken back lies between: {told}. Give a reason to do it nevertheless")
    details = {"to": release.number, "past": [each.number for each in past], "reason": override[:1000]}
    organization = environment.project.organization
    record("rollback.overridden", f"{environment.name}", user=user, organization=organization, details=details)


def was_live(environment: Environment, release: Release) -> bool:
    """Whether it ever ran there."""
    return environment.deployments.filter(release=release, live_at__isnull=False).exists()


def candidates(environment: Environment, limit: int = 10) -> list[Release]:
    """Releases that could be brought back, the last live one first."""
    deployments = environment.deployments.filter(live_at__isnull=False).select_related("release__build")
    live = next((each.release_id for each in environment.deployments.live()), None)
    releases = dict.fromkeys(each.release for each in deployments.order_by("-live_at")[: limit * 3])
    fitting = [each for each in releases if each.pk != live and plan_for(each, environment) is not None]
    return fitting[:limit]


def change(environment: Environment, target: Release) -> Change:
    """What would change if `target` went live there now: the releases that come or go with it, the target's end included."""
    live = environment.deployments.live().select_related("release__build").first()
    if live is None:
        return Change(None, target, is_forward=True, releases=[target], omitted=0)
    old, new = sorted([live.release.build.number, target.build.number])
    between = Release.objects.filter(
        project=environment.project_id, build__number__gt=old, build__number__lte=new
    ).select_related("build")
    shown = list(between.order_by("-build__number")[:MOST_SHOWN])
    is_forward = target.build.number > live.release.build.number
    return Change(live.release, target, is_forward, shown, omitted=between.count() - len(shown))
