"""The page that an invitation's link opens: it says who invites whom to what, and asks before it lets anybody in."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from accounts.models import Invitation, Membership, User
from accounts.services.invitations import OtherAddressError, accept, is_addressed_to, open_invitation
from accounts.services.roles import RefusedError
from accounts.sign_in.invited import forget, remember


@login_not_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def invitation(request: HttpRequest, raw_token: str) -> HttpResponse:
    """The invitation; POST accepts it, `other=yes` with another address than it was sent to."""
    found = open_invitation(raw_token)
    if found is None:
        return render(request, "accounts/invitation_gone.html", status=404)
    user = request.user
    if not isinstance(user, User):
        return _ask_who(request, found, raw_token)
    problem = ""
    if request.method == "POST":
        try:
            accept(found, user, as_another=request.POST.get("other") == "yes")
        except OtherAddressError:
            problem = "Say that you want to join with this account, or log in with the other one."
        except RefusedError as refused:
            problem = str(refused)
        else:
            return _welcome(request, found)
    context = {
        "invitation": found,
        "teams": found.teams.order_by("name"),
        "is_mine": is_addressed_to(found, user),
        "is_member": Membership.objects.filter(organization=found.organization, user=user).exists(),
        "problem": problem,
    }
    return render(request, "accounts/invitation.html", context, status=400 if problem else 200)


def _ask_who(request: HttpRequest, found: Invitation, raw_token: str) -> HttpResponse:
    """Log in or sign up first; both come back here."""
    if request.method != "POST":
        remember(request, raw_token)
    here = reverse("invitation", args=[raw_token])
    return render(request, "accounts/invitation.html", {"invitation": found, "here": here, "asks_who": True})


def _welcome(request: HttpRequest, found: Invitation) -> HttpResponse:
    forget(request)
    messages.success(request, f"You are a member of {found.organization} now.")
    return redirect(f"{reverse('projects')}?organization={found.organization.slug}")
