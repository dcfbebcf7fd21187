"""Deploy a release by hand, or bring one back: a page that says what will change, and one button."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods

from accounts.models import User
from builds.access import Right, project_or_404, require_in
from builds.numbers import whole
from builds.services.texts import storable
from builds.views.person import person
from deployments.models import Deployment, Environment, Release
from deployments.services.plans import plan_for
from deployments.services.preview import preview
from deployments.services.request import RefusedError, request_by_hand
from deployments.services.rollback import ROLLING, candidates, rollback

_OFFERED = 20
_LONGEST = 1000


@dataclass(frozen=True)
class _Said:
    """What the person wrote."""

    release: str
    reason: str
    override: str


@require_http_methods(["GET", "HEAD", "POST"])
def deploy(request: HttpRequest, uuid: UUID, environment_uuid: UUID) -> HttpResponse:
    """Deploy the release numbered `release`."""
    return _by_hand(request, _environment(request, uuid, environment_uuid), back=False)


@require_http_methods(["GET", "HEAD", "POST"])
def roll_back(request: HttpRequest, uuid: UUID, environment_uuid: UUID) -> HttpResponse:
    """Bring the release numbered `release` back; the reason is needed, and another where that cannot be undone."""
    return _by_hand(request, _environment(request, uuid, environment_uuid), back=True)


def _by_hand(request: HttpRequest, environment: Environment, *, back: bool) -> HttpResponse:
    offered = _returnable(environment) if back else _deployable(environment)
    values = request.POST if request.method == "POST" else request.GET
    said = _Said(
        values.get("release", ""),
        storable(values.get("reason", ""), _LONGEST),
        storable(values.get("override", ""), _LONGEST),
    )
    chosen = _chosen(environment, said.release, offered)
    refusal, status = "", 200
    if request.method == "POST":
        try:
            made = _go(environment, chosen, person(request), said, back=back)
        except RefusedError as error:
            refusal, status = str(error), 400
        else:
            return redirect("deployment", environment.project.uuid, made.uuid)
    context = {
        "project": environment.project,
        "tab": "environments",
        "environment": environment,
        "back": back,
        "offered": offered if chosen is None or chosen in offered else [chosen, *offered],
        "chosen": chosen,
        "preview": preview(environment, chosen) if chosen else None,
        "rolling": environment.deployments.filter(status__in=ROLLING).select_related("release__build").first(),
        "said": said,
        "refusal": refusal,
    }
    return render(request, "deployments/by_hand.html", context, status=status)


def _go(environment: Environment, chosen: Release | None, user: User, said: _Said, *, back: bool) -> Deployment:
    if chosen is None:
        raise RefusedError("Choose a release")
    if back:
        return rollback(environment, chosen, user=user, who=user.email, reason=said.reason, override=said.override)
    return request_by_hand(environment, chosen, user=user, who=user.email, reason=said.reason.strip())


def _environment(request: HttpRequest, uuid: UUID, environment_uuid: UUID) -> Environment:
    user = person(request)
    project = project_or_404(user, uuid)
    rows = project.environments.select_related("project__organization")
    environment = get_object_or_404(rows, uuid=environment_uuid)
    require_in(user, project, Right.DEPLOY)
    return environment


def _returnable(environment: Environment) -> list[Release]:
    """Those that were live before; what is live first, while another rolls out over it."""
    found = candidates(environment)
    if not environment.deployments.filter(status__in=ROLLING).exists():
        return found
    live = environment.deployments.live().select_related("release__build").first()
    return [live.release, *found] if live else found


def _deployable(environment: Environment) -> list[Release]:
    newest = environment.project.releases.select_related("build").order_by("-number")[:_OFFERED]
    return [release for release in newest if plan_for(release, environment) is not None]


def _chosen(environment: Environment, number: str, offered: list[Release]) -> Release | None:
    """The release with this number; the first that is offered where none is given."""
    if not number:
        return next(iter(offered), None)
    if (wanted := whole(number, digits=9)) is None:
        return None
    return environment.project.releases.select_related("build").filter(number=wanted).first()
