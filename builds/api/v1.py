"""CodeShip's API v1, as far as scripts and dashboards still speak it: its key is one of our tokens."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib.auth.decorators import login_not_required
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_safe

from accounts.services.tokens import KnownToken, known_token
from builds.access import Right, readable_builds, readable_projects, require_in
from builds.api.auth import token_in
from builds.api.rate import RateLimitError, check_rate, refuse
from builds.models import Build, Project
from builds.services.retry import retry
from builds.states import CODESHIP_STATUS

_MOST_BUILDS = 10  # of a project, as CodeShip told them
_MOST_PROJECTS = 200
Row = dict[str, Any]
View = Callable[..., HttpResponse]


def _with_key(scope: str) -> Callable[[View], View]:
    """A view for whoever sends a token that is good for `scope`, as `?api_key=` or in the header."""

    def decorate(view: View) -> View:
        @wraps(view)
        def answer(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            token = known_token(request.GET.get("api_key", "") or token_in(request))
            if token is None:
                return JsonResponse({"error": "Unauthorized"}, status=401)
            try:
                check_rate(token)
                if not token.allows(scope):
                    raise PermissionDenied(f"This token lacks the scope {scope}.")
                return view(request, token, *args, **kwargs)
            except RateLimitError as error:
                return refuse(error)
            except PermissionDenied as error:
                return JsonResponse({"errors": [str(error)]}, status=403)
            except Http404:
                return JsonResponse({"errors": ["Not found"]}, status=404)

        return csrf_exempt(login_not_required(answer))

    return decorate


@require_safe
@_with_key("project.read")
def projects(request: HttpRequest, token: KnownToken) -> HttpResponse:
    """Every project with its newest builds."""
    shown = list(_projects(token).order_by("id")[:_MOST_PROJECTS])
    return JsonResponse({"projects": [_project(project, _newest(project)) for project in shown]})


@require_safe
@_with_key("project.read")
def project(request: HttpRequest, token: KnownToken, project_id: int) -> HttpResponse:
    """One project with its newest builds, of `?branch=` alone where it is given."""
    found = get_object_or_404(_projects(token), pk=_of_the_database(project_id))
    return JsonResponse(_project(found, _newest(found, request.GET.get("branch", "").replace("\0", ""))))


@require_http_methods(["POST"])
@_with_key("build.write")
def restart(request: HttpRequest, token: KnownToken, build_id: int) -> HttpResponse:
    """Build the same commit again; a build that has not ended stays as it is."""
    builds = readable_builds(token.user).select_related("project__organization").defer("plan")
    build = get_object_or_404(builds, pk=_of_the_database(build_id))
    if not token.opens(build.project.organization.uuid):
        raise Http404
    require_in(token.user, build.project, Right.RESTART_BUILD)
    if build.is_final:
        build = retry(build, requested_by=token.user, who=token.user.email)
    return JsonResponse(_build(build), status=202)


def _projects(token: KnownToken) -> QuerySet[Project]:
    rows = readable_projects(token.user).defer("hook_secret", "ssh_private_key")
    return rows if token.organization is None else rows.filter(organization__uuid=token.organization)


def _newest(of: Project, branch: str = "") -> list[Build]:
    builds = Build.objects.filter(project=of).defer("plan")
    return list((builds.of_branch(branch) if branch else builds).order_by("-number")[:_MOST_BUILDS])


def _project(of: Project, builds: list[Build]) -> Row:
    return {
        "id": of.pk,
        "uuid": str(of.uuid),
        "repository_name": of.name,
        "repository_provider": of.provider,
        "builds": [_build(build) for build in builds],
    }


def _build(build: Build) -> Row:
    return {
        "id": build.pk,
        "uuid": str(build.uuid),
        "project_id": build.project_id,
        "status": CODESHIP_STATUS[build.status],
        "branch": build.branch,
        "commit_id": build.commit,
        "github_username": build.author_username or build.author_name,
        "message": build.message,
        "started_at": build.started_at,
        "finished_at": build.finished_at,
        "debug_connection": "",
    }


def _of_the_database(key: int) -> int:
    return key if key < 2**63 else 0
