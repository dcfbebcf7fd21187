"""The page of one deployment, and its buttons."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST, require_safe

from accounts.models import User
from builds.access import Right, may, project_or_404, require
from builds.models import Step
from builds.views.person import person
from deployments.models import Deployment
from deployments.services.cancel import cancel
from deployments.services.request import RefusedError, request_by_hand
from deployments.services.resolve import resolve
from deployments.views.board import TOLD, Row, telling


@require_safe
def deployment(request: HttpRequest, uuid: UUID, deployment_uuid: UUID) -> HttpResponse:
    """What goes where, why and by whom, its steps and every move; with `?part=1` what changes of it."""
    user = person(request)
    its = deployment_or_404(user, uuid, deployment_uuid)
    steps = list(Step.objects.filter(job=its.job_id).order_by("attempt", "position")) if its.job_id else []
    project = its.environment.project
    context = {
        "project": project,
        "tab": "environments",
        "row": Row(its, telling([step for step in steps if step.kind == "run"])),
        "steps": steps,
        "moves": list(its.moves.order_by("id")),
        "may_deploy": may(user, project.organization, Right.DEPLOY),
    }
    template = "deployments/_deployment.html" if request.GET.get("part") else "deployments/deployment.html"
    return render(request, template, context)


@require_POST
def stop(request: HttpRequest, uuid: UUID, deployment_uuid: UUID) -> HttpResponse:
    """Stop what waits or rolls out."""
    its, user = _to_change(request, uuid, deployment_uuid)
    if not cancel(its, who=user.email, reason=f"Stopped by {user}"):
        messages.info(request, "There was nothing left to stop.")
    return redirect("deployment", uuid, deployment_uuid)


@require_POST
def settle(request: HttpRequest, uuid: UUID, deployment_uuid: UUID) -> HttpResponse:
    """A person who looked says whether it went live; `outcome` is live, failed, or again (it did not; deploy it again)."""
    its, user = _to_change(request, uuid, deployment_uuid)
    outcome, reason = request.POST.get("outcome", ""), request.POST.get("reason", "").strip()[:1000]
    if outcome not in {"live", "failed", "again"}:
        messages.error(request, "Say whether it went live.")
        return redirect("deployment", uuid, deployment_uuid)
    if not resolve(its, went_live=outcome == "live", who=user.email, reason=reason):
        messages.info(request, "Somebody has answered this already.")
        return redirect("deployment", uuid, deployment_uuid)
    if outcome == "again":
        return _again(request, its, user)
    return redirect("deployment", uuid, deployment_uuid)


def _again(request: HttpRequest, its: Deployment, user: User) -> HttpResponse:
    try:
        fresh = request_by_hand(
            its.environment,
            its.release,
            user=user,
            who=user.email,
            reason="Deployed again",
            is_rollback=its.is_rollback,
        )
    except RefusedError as refusal:
        messages.error(request, f"{refusal}.")
        fresh = its
    return redirect("deployment", its.environment.project.uuid, fresh.uuid)


def deployment_or_404(user: User, project_uuid: UUID, deployment_uuid: UUID) -> Deployment:
    """One deployment of a project that `user` may see, with all that is told of it."""
    project = project_or_404(user, project_uuid)
    told = Deployment.objects.select_related("environment__project__organization", *TOLD)
    return get_object_or_404(told, environment__project=project, uuid=deployment_uuid)


def _to_change(request: HttpRequest, uuid: UUID, deployment_uuid: UUID) -> tuple[Deployment, User]:
    user = person(request)
    its = deployment_or_404(user, uuid, deployment_uuid)
    require(user, its.environment.project.organization, Right.DEPLOY)
    return its, user
