"""The page of runners, for everybody who is logged in; its buttons are for administrators of the instance."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from accounts.models import Organization, User
from builds.access import readable_builds
from builds.models import Runner
from builds.models.runner import Serves
from builds.services import fleet
from builds.services.join import JoinError, make_join_token, open_tokens, out_of_reach, revoke_join_token
from builds.services.limits import queue_lines
from builds.services.runner_lines import runner_lines
from builds.views.person import person
from builds.views.runner_forms import JoinForm


def administrator(request: HttpRequest) -> User:
    """Who asks, if they administer the instance; PermissionDenied otherwise."""
    user = person(request)
    if not user.is_superuser:
        raise PermissionDenied("Only an administrator of this instance may do that.")
    return user


@require_safe
@never_cache
def index(request: HttpRequest) -> HttpResponse:
    """All runners, or with `?part=1` the part of the page that follows them."""
    template = "builds/_runners.html" if request.GET.get("part") else "builds/runners.html"
    return render(request, template, _context(request))


def _context(request: HttpRequest, **more: Any) -> dict[str, Any]:
    user = person(request)
    lines = runner_lines(readable_builds(user), sees_all=user.is_superuser)
    context = {
        "lines": lines,
        "alive": sum(line.is_alive for line in lines),
        "queues": queue_lines(None if user.is_superuser else user.organizations.all()),
        "is_administrator": user.is_superuser,
        "version": settings.VERSION,
        "lease_seconds": settings.LEASE_SECONDS,
    }
    if user.is_superuser:
        context |= {"form": JoinForm(), "tokens": open_tokens()[:50], "out_of_reach": out_of_reach()}
    return context | more


@require_POST
def pause(request: HttpRequest, runner_id: int) -> HttpResponse:
    """Have it take no new jobs."""
    user, runner = administrator(request), _named(runner_id)
    fleet.pause(runner_id, user=user, reason=request.POST.get("reason", ""))
    messages.info(request, f"{runner} takes no new jobs; what it runs goes on.")
    return redirect("runners")


@require_POST
def resume(request: HttpRequest, runner_id: int) -> HttpResponse:
    """Have it take jobs again."""
    user, runner = administrator(request), _named(runner_id)
    fleet.resume(runner_id, user=user)
    messages.info(request, f"{runner} takes jobs again.")
    return redirect("runners")


@require_POST
def drain(request: HttpRequest, runner_id: int) -> HttpResponse:
    """Have it end what it runs, and then its process."""
    user, runner = administrator(request), _named(runner_id)
    fleet.drain(runner_id, user=user)
    said = "ends what it runs and then its process. Where a supervisor starts that again, it takes jobs again."
    messages.info(request, f"{runner} {said}")
    return redirect("runners")


@require_POST
def revoke(request: HttpRequest, runner_id: int) -> HttpResponse:
    """Take its jobs from it for good."""
    user, runner = administrator(request), _named(runner_id)
    fleet.revoke(runner_id, user=user)
    messages.info(
        request,
        f"{runner} may do nothing any more, and its jobs went to others. Its machine still knows the database's password "
        "and the sealing key: change both if you do not trust it.",
    )
    return redirect("runners")


@require_POST
def forget(request: HttpRequest, runner_id: int) -> HttpResponse:
    """Remove the row of one that is gone."""
    user = administrator(request)
    _named(runner_id)
    try:
        fleet.forget(runner_id, user=user)
    except fleet.FleetError as error:
        messages.error(request, str(error))
    return redirect("runners")


@require_POST
@never_cache
def token_make(request: HttpRequest) -> HttpResponse:
    """A new join token: the answer shows the line to copy, once."""
    user = administrator(request)
    form = JoinForm(request.POST)
    if not form.is_valid():
        return render(request, "builds/runners.html", _context(request, form=form), status=400)
    organization: Organization | None = form.cleaned_data["organization"]
    try:
        raw = make_join_token(user, organization=organization, serves=Serves(form.cleaned_data["serves"]))
    except JoinError as error:
        form.add_error(None, str(error))
        return render(request, "builds/runners.html", _context(request, form=form), status=400)
    line = f"ciservice join {settings.PUBLIC_URL} {raw}"
    return render(request, "builds/runners.html", _context(request, line=line))


@require_POST
def token_revoke(request: HttpRequest, join_token_uuid: UUID) -> HttpResponse:
    """End a token that was not used."""
    if not revoke_join_token(join_token_uuid, user=administrator(request)):
        messages.info(request, "That token could do nothing any more.")
    return redirect("runners")


def _named(runner_id: int) -> Runner:
    runner = Runner.objects.filter(pk=runner_id).first()
    if runner is None:
        raise Http404
    return runner
