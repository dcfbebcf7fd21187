"""A person agrees to a deployment, or does not; what nobody agrees to in time is given up."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone

from accounts.models import User
from accounts.services.audit import record
from builds.pipeline.delivery import Approval
from builds.pipeline.report import clean
from deployments.models import ApprovalDecision, Deployment
from deployments.services.approvers import refusal
from deployments.services.gates_of import gates_of
from deployments.services.move import hold, move
from deployments.services.request import RefusedError
from deployments.states import DeploymentStatus

WHO = "approvals"
LONGEST_COMMENT = 1000
_AT_ONCE = 200
_UNITS = (("day", 86_400), ("hour", 3600), ("minute", 60), ("second", 1))
_S = DeploymentStatus


def decide(deployment: Deployment, *, user: User, approved: bool, comment: str = "") -> bool:
    """Note what `user` says to a deployment that waits for it: with a yes it goes its way, with a no it is cancelled.

    The environment's rule of today counts. False: it does not wait any more. RefusedError: this person may not say so.
    """
    comment = clean(comment, LONGEST_COMMENT).strip()
    with transaction.atomic():
        environment = hold(deployment.environment_id)
        rows = Deployment.objects.select_related("environment__project__organization", "release__build")
        waiting = rows.get(pk=deployment.pk)
        if waiting.status != _S.WAITING:
            return False
        _check(gates_of(environment).approval or Approval(), waiting, user)
        _note(waiting, user=user, approved=approved, comment=comment)
        said = f"{'Approved' if approved else 'Rejected'} by {user}{f': {comment}' if comment else ''}"
        fields: dict[str, object] = {"approved_at": timezone.now(), "expires_at": None} if approved else {}
        to = _S.REQUESTED if approved else _S.CANCELLED
        return move(waiting.pk, to, who=user.email, reason=said, fields=fields)


def expire_due(now: datetime) -> int:
    """Cancel what nobody approved in time; how many."""
    late = Deployment.objects.filter(status=_S.WAITING, expires_at__lte=now).order_by("pk")
    return sum(
        _expire(pk, environment_id, now) for pk, environment_id in late.values_list("pk", "environment_id")[:_AT_ONCE]
    )


def _check(rule: Approval, deployment: Deployment, user: User) -> None:
    """RefusedError where it is too late, or not for this person to say."""
    if deployment.expires_at is not None and deployment.expires_at <= timezone.now():
        raise RefusedError(f"{_too_late(deployment)}: deploy it again")
    if refused := refusal(rule, deployment, user):
        raise RefusedError(refused)


def _note(deployment: Deployment, *, user: User, approved: bool, comment: str) -> None:
    """One decision a person, for good. A yes that a stricter rule did not count may be said again, not turned round."""
    before = deployment.decisions.filter(user=user).first()
    if before is not None and before.approved != approved:
        raise RefusedError("You approved it before: stop it instead")
    if before is None:
        ApprovalDecision.objects.create(
            deployment=deployment, user=user, who=user.email, approved=approved, comment=comment
        )
    project = deployment.environment.project
    record(
        f"deployment.{'approved' if approved else 'rejected'}",
        str(deployment),
        user=user,
        organization=project.organization,
        details={"project": project.name, "commit": deployment.release.commit, "comment": comment},
    )


def _expire(pk: int, environment_id: int, now: datetime) -> bool:
    with transaction.atomic():
        hold(environment_id)
        late = Deployment.objects.filter(pk=pk, status=_S.WAITING, expires_at__lte=now).first()
        return late is not None and move(pk, _S.CANCELLED, who=WHO, reason=_too_late(late))


def _too_late(deployment: Deployment) -> str:
    """ "Nobody approved it within 7 days"."""
    began = deployment.moves.filter(went_to=_S.WAITING).order_by("-pk").values_list("at", flat=True).first()
    if began is None or deployment.expires_at is None:
        return "Nobody approved it in time"
    return f"Nobody approved it within {_span(deployment.expires_at - began)}"


def _span(length: timedelta) -> str:
    """To the nearest of its largest unit: the clock ticked on between two rows of one transaction."""
    seconds = max(round(length.total_seconds()), 1)
    name, size = next((name, size) for name, size in _UNITS if seconds % size == 0)
    return f"{seconds // size} {name}{'' if seconds == size else 's'}"
