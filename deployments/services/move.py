"""The only door through which a deployment changes its state: guarded by the table, with a history row."""

from __future__ import annotations

from django.db import transaction
from django.utils import timezone

from builds.signals import send_on_commit
from deployments.models import Deployment, DeploymentMove, Environment
from deployments.signals import deployment_moved
from deployments.states import BUSY, FINAL, DeploymentStatus, sources_of

_S = DeploymentStatus


def hold(environment_id: int) -> Environment:
    """The environment, locked for the rest of the caller's transaction: whoever holds it decides what goes there."""
    return Environment.objects.select_for_update(of=("self",), no_key=True).get(pk=environment_id)


def create(deployment: Deployment, *, who: str) -> Deployment:
    """Save a new deployment with the first row of its history, in the caller's transaction."""
    deployment.save()
    _record(deployment, came_from="", who=who, reason=deployment.request_reason)
    return deployment


def move(
    deployment_id: int,
    to: DeploymentStatus,
    *,
    who: str,
    reason: str = "",
    fields: dict[str, object] | None = None,
) -> bool:
    """Move a deployment to `to`, if the table allows that from where its row stands now. `fields` are set with it.

    False means that another process moved it first: a lost race, not an error.
    """
    with transaction.atomic():
        rows = Deployment.objects.select_for_update(of=("self",), no_key=True)
        deployment = rows.filter(pk=deployment_id, status__in=sources_of(to)).first()
        if deployment is None:
            return False
        came_from, changed = (
            deployment.status,
            {"status": to, "reason": reason, **_times(deployment, to), **(fields or {})},
        )
        for name, value in changed.items():
            setattr(deployment, name, value)
        deployment.save(update_fields=list(changed))
        _record(deployment, came_from=came_from, who=who, reason=reason)
    return True


def note(deployment_id: int, status: str, *, who: str, reason: str) -> None:
    """Write into the history what happened to a deployment that changed no state. The caller holds the environment."""
    DeploymentMove.objects.create(
        deployment_id=deployment_id, came_from=status, went_to=status, who=who[:200], reason=reason
    )


def _times(deployment: Deployment, to: DeploymentStatus) -> dict[str, object]:
    now = timezone.now()
    if to == _S.LIVE:
        return {"live_at": now, "finished_at": deployment.finished_at or now}
    if to in BUSY - {_S.UNKNOWN}:
        return {"started_at": deployment.started_at or now}
    return {"finished_at": deployment.finished_at or now} if to in FINAL | {_S.UNKNOWN} else {}


def _record(deployment: Deployment, *, came_from: str, who: str, reason: str) -> None:
    DeploymentMove.objects.create(
        deployment=deployment, came_from=came_from, went_to=deployment.status, who=who[:200], reason=reason
    )
    to = str(deployment.status)
    send_on_commit(deployment_moved, Deployment, deployment_id=deployment.pk, came_from=came_from, to=to)
