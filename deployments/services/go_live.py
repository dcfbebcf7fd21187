"""Make a deployment what runs in its environment, and ask for what comes after it."""

from __future__ import annotations

from deployments.models import Deployment
from deployments.services.move import move
from deployments.services.request import request_promotions
from deployments.states import DeploymentStatus

_S = DeploymentStatus


def go_live(deployment: Deployment, *, who: str, reason: str = "") -> bool:
    """False: it has moved on meanwhile. The caller holds the environment."""
    before = deployment.environment.deployments.live().exclude(pk=deployment.pk).first()
    if before is not None:
        replaced = _S.ROLLED_BACK if deployment.is_rollback else _S.SUPERSEDED
        move(before.pk, replaced, who=who, reason=f"{deployment.release} took its place")
    moved = move(deployment.pk, _S.LIVE, who=who, reason=reason)
    if moved and not deployment.is_rollback:
        request_promotions(deployment)
    return moved
