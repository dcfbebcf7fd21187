"""The members of an organisation, who is invited, and its teams."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from accounts.models import Invitation, Membership, Organization, Role, User
from accounts.services.invite import invite, open_invitations, renew, withdraw
from accounts.services.members import change_role, remove_member
from accounts.services.roles import RefusedError, is_at_least
from accounts.services.teams import create_team
from builds.access import Right, organization_or_404, rights_of
from builds.organization_forms import InviteForm, TeamForm, role_choices
from builds.views.person import organization_to_change, person

_SHOWN = 1000


@never_cache
@require_safe
def members(request: HttpRequest, organization_uuid: UUID) -> HttpResponse:
    """The page."""
    return _page(request, organization_or_404(person(request), organization_uuid))


@never_cache
@require_POST
def send_invitation(request: HttpRequest, organization_uuid: UUID) -> HttpResponse:
    """Invite somebody; the link is shown this once."""
    user, organization = organization_to_change(request, organization_uuid, Right.MANAGE_MEMBERS)
    form = InviteForm(organization, _own_role(user, organization), request.POST)
    if form.is_valid():
        asked = form.cleaned_data
        try:
            invitation, link = invite(
                organization, asked["email"], role=asked["role"], teams=list(asked.get("teams", ())), by=user
            )
        except RefusedError as refused:
            form.add_error(None, str(refused))
        else:
            return _page(request, organization, invited=invitation, link=link)
    return _page(request, organization, invite_form=form, status=400)


@never_cache
@require_POST
def resend_invitation(request: HttpRequest, organization_uuid: UUID, invitation_uuid: UUID) -> HttpResponse:
    """Send it again with a new link, which is shown this once."""
    user, organization = organization_to_change(request, organization_uuid, Right.MANAGE_MEMBERS)
    invitation = _invitation(organization, invitation_uuid)
    try:
        link = renew(invitation, by=user)
    except RefusedError as refused:
        messages.error(request, str(refused))
        return redirect("members", organization_uuid)
    return _page(request, organization, invited=invitation, link=link)


@require_POST
def withdraw_invitation(request: HttpRequest, organization_uuid: UUID, invitation_uuid: UUID) -> HttpResponse:
    """Take it back."""
    user, organization = organization_to_change(request, organization_uuid, Right.MANAGE_MEMBERS)
    invitation = _invitation(organization, invitation_uuid)
    if withdraw(invitation, by=user):
        messages.success(request, f"The invitation of {invitation.email} is withdrawn.")
    return redirect("members", organization_uuid)


@require_POST
def set_role(request: HttpRequest, organization_uuid: UUID, member_id: int) -> HttpResponse:
    """Give a member another role."""
    user, organization = organization_to_change(request, organization_uuid, Right.MANAGE_MEMBERS)
    membership = _membership(organization, member_id)
    role = request.POST.get("role", "")
    if role not in Role.values:
        messages.error(request, "Choose a role.")
        return redirect("members", organization_uuid)
    return _done(
        request, organization_uuid, lambda: change_role(membership, role, by=user), f"{membership.user} has a new role."
    )


@require_POST
def remove(request: HttpRequest, organization_uuid: UUID, member_id: int) -> HttpResponse:
    """Take a member out."""
    user, organization = organization_to_change(request, organization_uuid, Right.MANAGE_MEMBERS)
    membership = _membership(organization, member_id)
    return _done(
        request,
        organization_uuid,
        lambda: remove_member(membership, by=user),
        f"{membership.user} is no member any more.",
    )


@require_POST
def leave(request: HttpRequest, organization_uuid: UUID) -> HttpResponse:
    """Leave the organisation."""
    user = person(request)
    organization = organization_or_404(user, organization_uuid)
    try:
        remove_member(Membership.objects.get(organization=organization, user=user), by=user)
    except RefusedError as refused:
        messages.error(request, str(refused))
        return redirect("members", organization_uuid)
    messages.success(request, f"You left {organization}.")
    return redirect("projects")


@require_POST
def make_team(request: HttpRequest, organization_uuid: UUID) -> HttpResponse:
    """A new team."""
    user, organization = organization_to_change(request, organization_uuid, Right.MANAGE_TEAMS)
    form = TeamForm(_own_role(user, organization), request.POST)
    if form.is_valid():
        try:
            team = create_team(organization, form.cleaned_data["name"], role=form.cleaned_data["role"], by=user)
        except RefusedError as refused:
            form.add_error("name", str(refused))
        else:
            return redirect("team", organization_uuid, team.uuid)
    return _page(request, organization, team_form=form, status=400)


def _done(request: HttpRequest, organization_uuid: UUID, act: Any, told: str) -> HttpResponse:
    try:
        act()
    except RefusedError as refused:
        messages.error(request, str(refused))
    else:
        messages.success(request, told)
    return redirect("members", organization_uuid)


def _membership(organization: Organization, member_id: int) -> Membership:
    return get_object_or_404(organization.memberships.select_related("user"), pk=member_id)


def _invitation(organization: Organization, organization_uuid: UUID) -> Invitation:
    return get_object_or_404(organization.invitations, uuid=organization_uuid)


def _own_role(user: User, organization: Organization) -> str:
    return Membership.objects.get(organization=organization, user=user).role


def _page(request: HttpRequest, organization: Organization, *, status: int = 200, **shown: Any) -> HttpResponse:
    user = person(request)
    rights = rights_of(user, organization)
    rows = organization.memberships.select_related("user").order_by("user__email")[:_SHOWN]
    own = next((row.role for row in rows if row.user_id == user.pk), Role.CONTRIBUTOR)
    may_manage, teams_of = Right.MANAGE_MEMBERS in rights, _teams_of(organization)
    context = {
        "organization": organization,
        "tab": "members",
        "rights": rights,
        "may_manage": may_manage,
        "may_make_teams": Right.MANAGE_TEAMS in rights,
        "members": [(row, may_manage and is_at_least(own, row.role), teams_of.get(row.user_id, [])) for row in rows],
        "teams": organization.teams.order_by("name").prefetch_related("members", "projects"),
        "roles": role_choices(own),
        "invitations": open_invitations(organization)[:_SHOWN] if may_manage else [],
        "now": timezone.now(),
        "invite_form": InviteForm(organization, own) if may_manage else None,
        "team_form": TeamForm(own),
        **shown,
    }
    return render(request, "organizations/members.html", context, status=status)


def _teams_of(organization: Organization) -> dict[int, list[str]]:
    """The names of the teams of each member, by the member's user."""
    found: dict[int, list[str]] = {}
    for user, name in organization.teams.order_by("name").values_list("members", "name"):
        found.setdefault(user, []).append(name)
    return found
