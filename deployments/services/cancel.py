"""Stop a deployment: one that waits is cancelled at once, one on its way when its runner has stopped the steps.

What went out of it is taken back: where its plan says so, and where a share of it is out already.
"""

from __future__ import annotations

from django.db import transaction

from builds.services.cancel import cancel_job
from deployments.models import Deployment
from deployments.services.move import hold, move
from deployments.services.open_stage import open_stage
from deployments.services.settle import has_share, stopped
from deployments.services.stages import plan_is_automatic
from deployments.states import PENDING, DeploymentStatus

_S = DeploymentStatus


def cancel(deployment: Deployment, *, who: str, reason: str = "") -> bool:
    """False where there is nothing to stop any more, or somebody asked before."""
    reason = reason or f"Stopped by {who}"
    with transaction.atomic():
        hold(deployment.environment_id)
        fresh = Deployment.objects.select_related("job", "environment", "release__build").get(pk=deployment.pk)
        if fresh.status in PENDING:
            return move(fresh.pk, _S.CANCELLED, who=who, reason=reason)
        if fresh.status == _S.ROLLING_OUT and fresh.job is not None:
            return _stop_steps(fresh, who=who, reason=reason)
        if fresh.status == _S.VERIFYING:
            return _stop_looking(fresh, who=who, reason=reason)
    return False


def _stop_steps(deployment: Deployment, *, who: str, reason: str) -> bool:
    if plan_is_automatic(deployment) or has_share(deployment):
        deployment.turning_back = reason
        deployment.save(update_fields=["turning_back"])
    return deployment.job is not None and cancel_job(deployment.job, who=who, reason=reason)


def _stop_looking(deployment: Deployment, *, who: str, reason: str) -> bool:
    stage = open_stage(deployment)
    if stage is None:
        return move(deployment.pk, _S.CANCELLED, who=who, reason=reason)
    if stage.check_job is not None:
        cancel_job(stage.check_job, who=who, reason=reason)
    return stopped(stage, reason, who=who, is_out=True)
