"""A person lets a held deployment go outside its window."""

from __future__ import annotations

from django.db import transaction

from accounts.models import User
from accounts.services.audit import record
from builds.access import Right, may_in
from builds.pipeline.report import clean
from deployments.models import Deployment
from deployments.services.move import hold, move
from deployments.services.request import RefusedError
from deployments.states import DeploymentStatus

LONGEST_REASON = 500


def override(deployment: Deployment, *, user: User, reason: str) -> bool:
    """Let it go now, for a reason that stays in the audit log; windows and freezes do not hold this one again.

    False: it is not held any more. RefusedError: without the right, or a reason.
    """
    reason = clean(reason, LONGEST_REASON).strip()
    with transaction.atomic():
        hold(deployment.environment_id)
        held = Deployment.objects.select_related("environment__project__organization", "release").get(pk=deployment.pk)
        project = held.environment.project
        if not may_in(user, project, Right.OVERRIDE_WINDOW):
            raise RefusedError(f"You may not {Right.OVERRIDE_WINDOW}: ask an owner or a manager")
        if not reason:
            raise RefusedError("Say why: the reason stays in the audit log")
        if held.status != DeploymentStatus.HELD:
            return False
        details = {"project": project.name, "reason": reason, "held": held.reason}
        record("deployment.window_overridden", str(held), user=user, organization=project.organization, details=details)
        told = f"{user} lets it go outside its window: {reason}"
        fields: dict[str, object] = {"override_reason": reason, "held_until": None}
        return move(held.pk, DeploymentStatus.REQUESTED, who=user.email, reason=told, fields=fields)
