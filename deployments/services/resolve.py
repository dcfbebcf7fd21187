"""A person says what became of a deployment that nobody knows about."""

from __future__ import annotations

from django.db import transaction
from django.utils import timezone

from deployments.models import Deployment, Stage, StageKind
from deployments.services import stages
from deployments.services.go_live import go_live
from deployments.services.move import hold, move
from deployments.services.open_stage import open_stage
from deployments.services.settle import has_share, rolled_out
from deployments.services.turn_back import turn_back
from deployments.states import DeploymentStatus

_S = DeploymentStatus


def resolve(deployment: Deployment, *, went_live: bool, who: str, reason: str = "") -> bool:
    """Move it on from unknown. False: it is not unknown any more.

    A whole release is live or has failed; a share goes on as if its steps had passed, or is taken back with the shares
    before it. Of a rollback it is said whether the release before is back.
    """
    with transaction.atomic():
        hold(deployment.environment_id)
        fresh = Deployment.objects.select_related("environment", "release__build").get(pk=deployment.pk)
        if fresh.status != _S.UNKNOWN:
            return False
        stage = open_stage(fresh)
        said = reason or f"It {'went' if went_live else 'did not go'} live, says a person who looked"
        if went_live and stage is not None and stage.kind == StageKind.ROLLOUT and stage.percent < 100:
            return rolled_out(stage, who=who)
        if stage is not None:
            stages.end(stage, passed=went_live, reason=said)
        if stage is not None and stage.kind == StageKind.ROLLBACK:
            return move(fresh.pk, _S.ROLLED_BACK if went_live else _S.FAILED, who=who, reason=said)
        if went_live:
            Stage.objects.filter(deployment=fresh, rolled_out_at=None).update(rolled_out_at=timezone.now())
            return go_live(fresh, who=who, reason=said)
        if has_share(fresh) and not turn_back(fresh, why=said, who=who, asked=True):
            return True
        return move(fresh.pk, _S.FAILED, who=who, reason=said)
