"""A project's builds: the list, and the button that builds its newest commit."""

from __future__ import annotations

from urllib.parse import urlencode
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from builds.access import Right, may_in, project_or_404
from builds.models.build import Trigger
from builds.numbers import whole
from builds.services.health import alive
from builds.services.trigger import BuildRequest, trigger
from builds.views.filters import MESSAGES_LOOKED_AT, PAGE, page, read_filter
from builds.views.hosting import untold
from builds.views.person import person, project_to_change


@require_safe
def index(request: HttpRequest, uuid: UUID) -> HttpResponse:
    """The newest builds that the filter lets through; `before` and `until` are build numbers."""
    user = person(request)
    project = project_or_404(user, uuid)
    text = request.GET.get("q", "").strip()[:300]
    wanted = read_filter(text)
    before, until = _number(request, "before"), _number(request, "until")
    builds = page(project, wanted, user, before=before, until=until)
    more = until is None and len(builds) > PAGE
    shown = builds[:PAGE] if more else builds
    address = reverse("project", args=[project.uuid])
    context = {
        "project": project,
        "tab": "builds",
        "builds": shown,
        "filter_text": text,
        "wanted": wanted,
        "older": _older(address, text, shown[-1].number) if more else "",
        "part": f"{address}?{urlencode({'part': 'rows', 'q': text, 'until': shown[-1].number if shown else 0})}",
        "is_first": before is None,
        "messages_looked_at": MESSAGES_LOOKED_AT,
        "no_runner": not alive().exists(),
    }
    template = {"rows": "builds/_builds.html", "more": "builds/_builds_more.html"}.get(request.GET.get("part", ""))
    if template is None:
        template = "builds/project.html"
        context["untold"] = untold(project)
        context["may_build"] = may_in(user, project, Right.RESTART_BUILD)
    return render(request, template, context)


@require_POST
def build_new(request: HttpRequest, uuid: UUID) -> HttpResponse:
    """Build the newest commit of a branch, the default branch where none is named."""
    user, project = project_to_change(request, uuid, Right.RESTART_BUILD)
    branch = (request.POST.get("branch", "").strip() or project.default_branch)[:255]
    wanted = BuildRequest(ref=f"refs/heads/{branch}", branch=branch, commit="", trigger=Trigger.MANUAL)
    build = trigger(project, wanted, who=user.email, requested_by=user)
    return redirect("build", project.uuid, build.number)


def _older(address: str, text: str, number: int) -> str:
    return f"{address}?{urlencode({'q': text, 'before': number} if text else {'before': number})}"


def _number(request: HttpRequest, name: str) -> int | None:
    """A number of the address that fits the column; anything else counts as not given."""
    return whole(request.GET.get(name, ""), digits=9)
