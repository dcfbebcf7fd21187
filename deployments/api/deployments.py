"""Deployments: list, show, and everything that a person may say to one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.http import HttpResponse
from ninja import Body, Router, Status
from ninja.errors import HttpError

from builds.access import Right, project_in_or_404
from builds.api.auth import Asked
from builds.api.paging import Paging, page_of
from builds.api.schemas import Errors
from deployments.api.finding import PROJECT, REFUSALS, deployment_of, deployment_to_change
from deployments.api.schemas import CommentIn, DeploymentPage, OneDeployment, ReasonIn, SettleIn
from deployments.api.shapes import COLUMNS, listed, whole
from deployments.models import Deployment
from deployments.services.approve import decide
from deployments.services.approvers import refusal
from deployments.services.cancel import cancel
from deployments.services.check_again import check_again
from deployments.services.gates_of import gates_of
from deployments.services.override import override
from deployments.services.pause import go_on, pause
from deployments.services.request import RefusedError
from deployments.services.resolve import resolve
from deployments.views.rows import rows, told

router = Router(tags=["deployments"])
_DEPLOYMENTS = f"{PROJECT}/deployments"
_ONE = f"{_DEPLOYMENTS}/{{uuid:deployment_uuid}}"
_ANSWERS = {202: OneDeployment, **REFUSALS}
Told = Status[dict[str, Any]]


@router.get(_DEPLOYMENTS, response={200: DeploymentPage, 404: Errors}, operation_id="list_deployments")
def list_deployments(request: Asked, organization_uuid: UUID, project_uuid: UUID, paging: Paging) -> HttpResponse:
    """The deployments of a project, the newest first."""
    project = project_in_or_404(request.auth, organization_uuid, project_uuid)
    found = Deployment.objects.filter(environment__project=project).order_by("-id").values(*COLUMNS.values())
    return page_of(request, found, paging, "deployments", lambda row: listed(project_uuid, row))


@router.get(_ONE, response={200: OneDeployment, 404: Errors}, operation_id="show_deployment")
def show_deployment(
    request: Asked, organization_uuid: UUID, project_uuid: UUID, deployment_uuid: UUID
) -> dict[str, Any]:
    """One deployment with its stages, what its addresses answered, and what people said to it."""
    return told_of(project_uuid, deployment_of(request, organization_uuid, project_uuid, deployment_uuid))


@router.post(f"{_ONE}/stop", response=_ANSWERS, operation_id="stop_deployment")
def stop_deployment(request: Asked, organization_uuid: UUID, project_uuid: UUID, deployment_uuid: UUID) -> Told:
    """Stop a deployment; what is out of it is taken back. One that has ended stays as it ended."""
    its = deployment_to_change(request, organization_uuid, project_uuid, deployment_uuid)
    cancel(its, who=request.auth.email, reason=f"Stopped by {request.auth}")
    return Status(202, told_of(project_uuid, its))


@router.post(f"{_ONE}/pause", response=_ANSWERS, operation_id="pause_deployment")
def pause_deployment(request: Asked, organization_uuid: UUID, project_uuid: UUID, deployment_uuid: UUID) -> Told:
    """Let no further stage begin."""
    its = deployment_to_change(request, organization_uuid, project_uuid, deployment_uuid)
    done = pause(its, who=request.auth.email)
    return _answer(project_uuid, its, done, "It is not rolling out, or is paused already.")


@router.post(f"{_ONE}/go_on", response=_ANSWERS, operation_id="let_deployment_go_on")
def let_deployment_go_on(request: Asked, organization_uuid: UUID, project_uuid: UUID, deployment_uuid: UUID) -> Told:
    """Let a paused deployment go on."""
    its = deployment_to_change(request, organization_uuid, project_uuid, deployment_uuid)
    return _answer(project_uuid, its, go_on(its, who=request.auth.email), "It is not paused.")


@router.post(f"{_ONE}/approve", response=_ANSWERS, operation_id="approve_deployment")
def approve_deployment(
    request: Asked,
    organization_uuid: UUID,
    project_uuid: UUID,
    deployment_uuid: UUID,
    asked: Body[CommentIn | None] = None,
) -> Told:
    """Agree to a waiting deployment: it goes as soon as nothing else holds it. Who may is the environment's rule."""
    its = deployment_of(request, organization_uuid, project_uuid, deployment_uuid)
    return _say(request, its, approved=True, comment=asked.comment if asked else "")


@router.post(f"{_ONE}/reject", response=_ANSWERS, operation_id="reject_deployment")
def reject_deployment(
    request: Asked,
    organization_uuid: UUID,
    project_uuid: UUID,
    deployment_uuid: UUID,
    asked: Body[CommentIn | None] = None,
) -> Told:
    """Do not agree to a waiting deployment: it is given up. Who may is the environment's rule."""
    its = deployment_of(request, organization_uuid, project_uuid, deployment_uuid)
    return _say(request, its, approved=False, comment=asked.comment if asked else "")


@router.post(f"{_ONE}/override", response=_ANSWERS, operation_id="let_deployment_go_now")
def let_deployment_go_now(
    request: Asked, organization_uuid: UUID, project_uuid: UUID, deployment_uuid: UUID, asked: ReasonIn
) -> Told:
    """Let a held deployment go now, outside its window or in a freeze; the reason goes to the audit log."""
    its = deployment_to_change(request, organization_uuid, project_uuid, deployment_uuid, right=Right.OVERRIDE_WINDOW)
    done = _or_400(lambda: override(its, user=request.auth, reason=asked.reason))
    return _answer(project_uuid, its, done, "It is not held.")


@router.post(f"{_ONE}/settle", response=_ANSWERS, operation_id="settle_deployment")
def settle_deployment(
    request: Asked, organization_uuid: UUID, project_uuid: UUID, deployment_uuid: UUID, asked: SettleIn
) -> Told:
    """Say whether a deployment went live of which nobody knows."""
    its = deployment_to_change(request, organization_uuid, project_uuid, deployment_uuid)
    went_live = asked.outcome == "live"
    done = resolve(its, went_live=went_live, who=request.auth.email, reason=asked.reason.strip())
    return _answer(project_uuid, its, done, "It is not unknown what became of it.")


@router.post(f"{_ONE}/check_again", response=_ANSWERS, operation_id="check_deployment_again")
def check_deployment_again(request: Asked, organization_uuid: UUID, project_uuid: UUID, deployment_uuid: UUID) -> Told:
    """Look once more at a deployment of which nobody knows; what is seen comes into its stage, and nothing moves."""
    its = deployment_to_change(request, organization_uuid, project_uuid, deployment_uuid)
    done = check_again(its, who=request.auth.email)
    return _answer(project_uuid, its, done, "It is not unknown what became of it, or there is nothing to look at.")


def told_of(project_uuid: UUID, deployment: Deployment) -> dict[str, Any]:
    """A deployment as it stands now."""
    return {"deployment": whole(project_uuid, rows([told().get(pk=deployment.pk)])[0])}


def _say(request: Asked, its: Deployment, *, approved: bool, comment: str) -> Told:
    rule = gates_of(its.environment).approval
    if rule is not None and (refused := refusal(rule, its, request.auth)):
        raise HttpError(403, refused)
    done = _or_400(lambda: decide(its, user=request.auth, approved=approved, comment=comment))
    return _answer(its.environment.project.uuid, its, done, "It does not wait for approval.")


def _or_400(act: Callable[[], bool]) -> bool:
    try:
        return act()
    except RefusedError as refused:
        raise HttpError(400, str(refused)) from None


def _answer(project_uuid: UUID, its: Deployment, done: bool, otherwise: str) -> Told:
    if not done:
        raise HttpError(400, otherwise)
    return Status(202, told_of(project_uuid, its))
