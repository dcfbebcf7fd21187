"""The buttons of a deployment: one address a verb, POST only, back to its page."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from accounts.models import User
from builds.access import Right, require_in
from builds.services.texts import storable
from builds.views.person import person
from deployments.models import Deployment
from deployments.services import pause as pausing
from deployments.services.approve import decide as say
from deployments.services.cancel import cancel
from deployments.services.check_again import check_again
from deployments.services.override import override as let_go
from deployments.services.request import RefusedError, request_by_hand
from deployments.services.resolve import resolve
from deployments.views.deployment import deployment_or_404

_LONGEST = 1000


@require_POST
def stop(request: HttpRequest, uuid: UUID, deployment_uuid: UUID) -> HttpResponse:
    """Stop what waits or rolls out."""
    its, user = _to_change(request, uuid, deployment_uuid)
    done = cancel(its, who=user.email, reason=f"Stopped by {user}")
    return _back(request, its, done, "There was nothing left to stop.")


@require_POST
def pause(request: HttpRequest, uuid: UUID, deployment_uuid: UUID) -> HttpResponse:
    """Let no further stage begin."""
    its, user = _to_change(request, uuid, deployment_uuid)
    return _back(request, its, pausing.pause(its, who=user.email), "There was nothing left to pause.")


@require_POST
def go_on(request: HttpRequest, uuid: UUID, deployment_uuid: UUID) -> HttpResponse:
    """Let a paused one go on."""
    its, user = _to_change(request, uuid, deployment_uuid)
    return _back(request, its, pausing.go_on(its, who=user.email), "It was not paused any more.")


@require_POST
def decide(request: HttpRequest, uuid: UUID, deployment_uuid: UUID) -> HttpResponse:
    """Approve or reject, with a comment; who may is the environment's rule, not a right of all."""
    user = person(request)
    its = deployment_or_404(user, uuid, deployment_uuid)
    decision = request.POST.get("decision", "")
    if decision not in {"approve", "reject"}:
        messages.error(request, "Say whether you approve.")
        return redirect("deployment", uuid, deployment_uuid)
    comment = _text(request, "comment")
    return _try(
        request,
        its,
        lambda: say(its, user=user, approved=decision == "approve", comment=comment),
        "It does not wait any more.",
    )


@require_POST
def override(request: HttpRequest, uuid: UUID, deployment_uuid: UUID) -> HttpResponse:
    """Let a held one go now; the reason is needed, and the right to."""
    user = person(request)
    its = deployment_or_404(user, uuid, deployment_uuid)
    require_in(user, its.environment.project, Right.OVERRIDE_WINDOW)
    reason = _text(request, "reason")
    return _try(request, its, lambda: let_go(its, user=user, reason=reason), "It is not held any more.")


@require_POST
def settle(request: HttpRequest, uuid: UUID, deployment_uuid: UUID) -> HttpResponse:
    """A person who looked says whether it went live; `outcome` is live, failed, again (it did not; deploy it again) or check."""
    its, user = _to_change(request, uuid, deployment_uuid)
    outcome, reason = request.POST.get("outcome", ""), _text(request, "reason")
    if outcome == "check":
        return _back(
            request, its, check_again(its, who=user.email), "There is nothing to look at, or it is looked at now."
        )
    if outcome not in {"live", "failed", "again"}:
        messages.error(request, "Say whether it went live.")
        return redirect("deployment", uuid, deployment_uuid)
    done = resolve(its, went_live=outcome == "live", who=user.email, reason=reason)
    if done and outcome == "again":
        return _again(request, its, user)
    return _back(request, its, done, "Somebody has answered this already.")


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


def _try(request: HttpRequest, its: Deployment, act: Callable[[], bool], otherwise: str) -> HttpResponse:
    """Do what may be refused with a sentence."""
    try:
        return _back(request, its, act(), otherwise)
    except RefusedError as refusal:
        messages.error(request, f"{refusal}.")
    return redirect("deployment", its.environment.project.uuid, its.uuid)


def _back(request: HttpRequest, its: Deployment, done: bool, otherwise: str) -> HttpResponse:
    if not done:
        messages.info(request, otherwise)
    return redirect("deployment", its.environment.project.uuid, its.uuid)


def _text(request: HttpRequest, name: str) -> str:
    return storable(request.POST.get(name, "").strip(), _LONGEST)


def _to_change(request: HttpRequest, uuid: UUID, deployment_uuid: UUID) -> tuple[Deployment, User]:
    user = person(request)
    its = deployment_or_404(user, uuid, deployment_uuid)
    require_in(user, its.environment.project, Right.DEPLOY)
    return its, user
