"""The page of one team: what it is called, who is in it, which projects it has."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from accounts.models import Membership, Team, User
from accounts.services.roles import RefusedError, is_at_least
from accounts.services.teams import add_to_team, change_team, may_change, take_from_team
from builds.access import RIGHTS, Right, organization_or_404, readable_projects
from builds.numbers import whole
from builds.organization_forms import TeamForm
from builds.services.team_projects import OpensError, choosable, delete_team, set_projects
from builds.views.person import organization_to_change, person


@require_http_methods(["GET", "HEAD", "POST"])
def team(request: HttpRequest, organization_uuid: UUID, team_uuid: UUID) -> HttpResponse:
    """The page; POST changes name and role."""
    user, found, own = _found(request, organization_uuid, team_uuid)
    form = TeamForm(own, request.POST or None, initial={"name": found.name, "role": found.role})
    if request.method == "POST":
        _require(found, user, own)
        if form.is_valid():
            try:
                change_team(found, name=form.cleaned_data["name"], role=form.cleaned_data["role"], by=user)
            except RefusedError as refused:
                form.add_error("name", str(refused))
            else:
                messages.success(request, "Saved.")
                return redirect("team", organization_uuid, team_uuid)
    return _page(request, found, form=form, status=400 if form.errors else 200)


@require_POST
def add(request: HttpRequest, organization_uuid: UUID, team_uuid: UUID) -> HttpResponse:
    """Put a member into the team."""
    user, found, own = _found(request, organization_uuid, team_uuid)
    _require(found, user, own)
    return _done(request, found, lambda each: add_to_team(found, each, by=user))


@require_POST
def take(request: HttpRequest, organization_uuid: UUID, team_uuid: UUID) -> HttpResponse:
    """Take somebody out of the team."""
    user, found, own = _found(request, organization_uuid, team_uuid)
    _require(found, user, own)
    return _done(request, found, lambda each: take_from_team(found, each, by=user))


@require_POST
def projects(request: HttpRequest, organization_uuid: UUID, team_uuid: UUID) -> HttpResponse:
    """Give the team the projects that are ticked."""
    user, found, own = _found(request, organization_uuid, team_uuid)
    _require(found, user, own)
    wanted = set(request.POST.getlist("project"))
    chosen = [each for each in choosable(found, user) if str(each.uuid) in wanted]
    try:
        set_projects(found, chosen, by=user, opening=request.POST.get("opening") == "yes")
    except OpensError as opens:
        return _page(request, found, ticked=wanted, projects_problem=str(opens), status=400)
    except RefusedError as refused:
        messages.error(request, str(refused))
    else:
        messages.success(request, "Saved.")
    return redirect("team", organization_uuid, team_uuid)


@require_POST
def delete(request: HttpRequest, organization_uuid: UUID, team_uuid: UUID) -> HttpResponse:
    """Remove the team; its projects stay."""
    user, organization = organization_to_change(request, organization_uuid, Right.MANAGE_TEAMS)
    found = get_object_or_404(organization.teams.select_related("organization"), uuid=team_uuid)
    try:
        delete_team(found, by=user, opening=request.POST.get("opening") == "yes")
    except OpensError as opens:
        return _page(request, found, delete_problem=str(opens), status=400)
    except RefusedError as refused:
        messages.error(request, str(refused))
        return redirect("team", organization_uuid, team_uuid)
    messages.success(request, f"The team {found.name} is gone.")
    return redirect("members", organization_uuid)


def _found(request: HttpRequest, organization_uuid: UUID, team_uuid: UUID) -> tuple[User, Team, str]:
    """Who asks, the team with its organisation, and the person's role there."""
    user = person(request)
    organization = organization_or_404(user, organization_uuid)
    found = get_object_or_404(organization.teams.select_related("organization"), uuid=team_uuid)
    return user, found, Membership.objects.get(organization=organization, user=user).role


def _require(team: Team, user: User, own: str) -> None:
    if Right.UPDATE_TEAM not in RIGHTS[own]:
        raise PermissionDenied(f"You may not {Right.UPDATE_TEAM}: ask an owner of {team.organization}.")
    if not may_change(team, user, own):
        raise PermissionDenied("You may change teams that you are in and whose role is not above yours.")


def _done(request: HttpRequest, team: Team, act: Callable[[User], None]) -> HttpResponse:
    """Do it with the member that the form names."""
    named = whole(request.POST.get("member", ""), digits=18)
    members = Membership.objects.filter(organization=team.organization_id).select_related("user")
    member = members.filter(pk=named).first() if named is not None else None
    try:
        if member is None:
            raise RefusedError("Choose a member.")
        act(member.user)
    except RefusedError as refused:
        messages.error(request, str(refused))
    return redirect("team", team.organization.uuid, team.uuid)


def _page(request: HttpRequest, team: Team, *, status: int = 200, **shown: Any) -> HttpResponse:
    user = person(request)
    everybody = Membership.objects.filter(organization=team.organization_id).select_related("user")
    own = everybody.get(user=user).role
    may = Right.UPDATE_TEAM in RIGHTS[own] and may_change(team, user, own)
    inside = set(team.members.values_list("pk", flat=True))
    rows = list(everybody.order_by("user__email"))
    its = team.projects.all()
    context = {
        "organization": team.organization,
        "tab": "members",
        "team": team,
        "may_change": may,
        "may_delete": Right.MANAGE_TEAMS in RIGHTS[own] and is_at_least(own, team.role),
        "members": [row for row in rows if row.user_id in inside],
        "others": [row for row in rows if row.user_id not in inside],
        "projects": readable_projects(user).filter(pk__in=its.values("pk")).order_by("name"),
        "choosable": choosable(team, user) if may else [],
        "ticked": {str(organization_uuid) for organization_uuid in its.values_list("uuid", flat=True)},
        "form": TeamForm(own, initial={"name": team.name, "role": team.role}),
        **shown,
    }
    return render(request, "organizations/team.html", context, status=status)
