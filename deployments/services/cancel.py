"""Stop a deployment: one that waits is cancelled at once, one on its way when its runner has stopped the steps."""

from __future__ import annotations

from django.db import transaction

from builds.services.cancel import cancel_job
from deployments.models import Deployment
from deployments.services.move import hold, move
from deployments.states import PENDING, DeploymentStatus


def cancel(deployment: Deployment, *, who: str, reason: str = "") -> bool:
    """False where there is nothing to stop any more, or somebody asked before."""
    with transaction.atomic():
        hold(deployment.environment_id)
        fresh = Deployment.objects.select_related("job").get(pk=deployment.pk)
        if fresh.status in PENDING:
            return move(fresh.pk, DeploymentStatus.CANCELLED, who=who, reason=reason or f"Stopped by {who}")
        if fresh.status == DeploymentStatus.ROLLING_OUT and fresh.job is not None:
            return cancel_job(fresh.job, who=who, reason=reason or f"Stopped by {who}")
    return False
