"""Bring an earlier release back."""

from __future__ import annotations

from dataclasses import dataclass

from django.db import transaction

from accounts.models import User
from deployments.models import Deployment, Environment, Release
from deployments.services.move import hold
from deployments.services.plans import plan_for
from deployments.services.request import RefusedError, request_by_hand

MOST_SHOWN = 50


@dataclass(frozen=True)
class Change:
    """What lies between what is live and the release that is to come, newest first; `omitted` more are not listed."""

    live: Release | None
    target: Release
    is_forward: bool
    releases: list[Release]
    omitted: int


def rollback(environment: Environment, release: Release, *, user: User | None, who: str, reason: str) -> Deployment:
    """Ask for a release that was live there before; RefusedError where that cannot be. It runs that release's own steps."""
    if not reason.strip():
        raise RefusedError("Say why: the reason stays in the history")
    with transaction.atomic():
        hold(environment.pk)
        live = environment.deployments.live().first()
        if live is not None and live.release_id == release.pk:
            raise RefusedError(f"{release} is what is live in {environment.name}")
        if not was_live(environment, release):
            raise RefusedError(f"{release} was never live in {environment.name}: deploy it instead")
        return request_by_hand(environment, release, user=user, who=who, reason=reason.strip(), is_rollback=True)


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
