"""A person says what became of a deployment that nobody knows about."""

from __future__ import annotations

from django.db import transaction

from deployments.models import Deployment
from deployments.services.move import hold, move
from deployments.services.settle import go_live
from deployments.states import DeploymentStatus


def resolve(deployment: Deployment, *, went_live: bool, who: str, reason: str = "") -> bool:
    """Move it from unknown to live or failed. False: it is not unknown any more."""
    with transaction.atomic():
        hold(deployment.environment_id)
        fresh = Deployment.objects.select_related("environment", "release__build").get(pk=deployment.pk)
        if fresh.status != DeploymentStatus.UNKNOWN:
            return False
        if went_live:
            return go_live(fresh, who=who, reason=reason or "It went live, says a person who looked")
        return move(
            fresh.pk, DeploymentStatus.FAILED, who=who, reason=reason or "It did not go live, says a person who looked"
        )
