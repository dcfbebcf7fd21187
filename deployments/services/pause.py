"""Pause a rollout between its stages, and let it go on."""

from __future__ import annotations

from django.db import transaction
from django.utils import timezone

from deployments.models import Deployment, Stage
from deployments.services import stages
from deployments.services.announce import announce
from deployments.services.move import hold, note
from deployments.services.open_stage import open_stage
from deployments.states import DeploymentStatus

_ON_THE_WAY = (DeploymentStatus.ROLLING_OUT, DeploymentStatus.VERIFYING)


def pause(deployment: Deployment, *, who: str) -> bool:
    """Let no further stage begin; what runs ends. False: it is not rolling out, or is paused already."""
    with transaction.atomic():
        if not _set(deployment, timezone.now(), who=who, reason="Paused"):
            return False
        transaction.on_commit(lambda: announce(deployment.pk))
    return True


def go_on(deployment: Deployment, *, who: str) -> bool:
    """Let it go on: a stage that has been right for long enough is followed by the next. False: it is not paused."""
    with transaction.atomic():
        if not _set(deployment, None, who=who, reason="Goes on"):
            return False
        transaction.on_commit(lambda: announce(deployment.pk))
        stage = open_stage(deployment)
        if stage is None or stage.rolled_out_at is None:
            return True
        now = timezone.now()
        if stage.right_at is not None and (stage.bakes_until is None or stage.bakes_until <= now):
            stages.passed(stage.pk, who=who)
        else:
            Stage.objects.filter(pk=stage.pk).update(look_at=now)
    return True


def _set(deployment: Deployment, paused_at: object, *, who: str, reason: str) -> bool:
    hold(deployment.environment_id)
    rows = Deployment.objects.filter(pk=deployment.pk, status__in=_ON_THE_WAY)
    if not rows.filter(paused_at__isnull=paused_at is not None).update(paused_at=paused_at):
        return False
    note(deployment.pk, rows.values_list("status", flat=True).get(), who=who, reason=reason)
    return True
