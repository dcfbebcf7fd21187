"""The switch that stops all new work: of an organisation for who may halt it, of the instance for its administrators."""

from __future__ import annotations

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from accounts.models import Organization, User
from builds.access import Right, organizations_of, require, rights_of
from builds.services.halt import halt, holding, resume
from builds.views.person import person


@require_safe
def index(request: HttpRequest) -> HttpResponse:
    """What is halted, and the switches that the person has."""
    return render(request, "builds/halt.html", _context(person(request)))


@require_POST
def throw(request: HttpRequest) -> HttpResponse:
    """Halt, with a reason."""
    user = person(request)
    organization = _meant(request, user)
    reason = request.POST.get("reason", "").strip()
    if not reason:
        more = {"error": "Say why: everybody who waits will read it.", "meant": request.POST.get("organization", "")}
        return render(request, "builds/halt.html", {**_context(user), **more}, status=400)
    halt(organization, user=user, reason=reason, stop_running=bool(request.POST.get("stop_running")))
    messages.info(request, f"No new work begins {f'in {organization}' if organization else 'anywhere'}.")
    return redirect("halt")


@require_POST
def lift(request: HttpRequest) -> HttpResponse:
    """Let everything go again."""
    user = person(request)
    organization = _meant(request, user)
    if not resume(organization, user=user):
        messages.info(request, "It was not halted.")
    return redirect("halt")


def _meant(request: HttpRequest, user: User) -> Organization | None:
    """The organisation of the form, None for the whole instance; only where the person may halt that."""
    slug = request.POST.get("organization", "")
    if not slug:
        if not user.is_superuser:
            raise PermissionDenied("Only an administrator of this instance may halt all work.")
        return None
    organization = organizations_of(user).filter(slug=slug).first()
    if organization is None:
        raise Http404
    require(user, organization, Right.HALT)
    return organization


def _context(user: User) -> dict[str, object]:
    mine = list(organizations_of(user)[:200])
    return {
        "halts": holding([one.pk for one in mine]),
        "switches": [one for one in mine if Right.HALT in rights_of(user, one)],
        "is_administrator": user.is_superuser,
    }
