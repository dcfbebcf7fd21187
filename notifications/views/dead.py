"""What did not arrive, of all projects of an organisation: send it again, or let it be."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from accounts.models import Organization, User
from builds.access import Right, may, organization_or_404, readable_projects, require
from builds.views.person import person
from notifications.models import Message, MessageState
from notifications.services.again import MOST_AT_ONCE, drop, send_again
from notifications.views.rules import where

_SHOWN = 100


@require_safe
def dead(request: HttpRequest, organization_uuid: UUID) -> HttpResponse:
    """The page."""
    user = person(request)
    organization = organization_or_404(user, organization_uuid)
    found = _dead(user, organization)
    rows = found.select_related("rule__project", "project", "person").order_by("-id")[:_SHOWN]
    context = {
        "organization": organization,
        "messages_": [(message, where(message.rule) if message.rule else "") for message in rows],
        "count": found.count(),
        "may_change": may(user, organization, Right.CHANGE_PROJECT),
    }
    return render(request, "notifications/dead.html", context)


@require_POST
def dead_again(request: HttpRequest, organization_uuid: UUID) -> HttpResponse:
    """Send what was chosen again; nothing chosen = all of it, a part at a time."""
    found = _chosen(request, organization_uuid)
    sent = sum(send_again(message) for message in found.order_by("id")[:MOST_AT_ONCE])
    messages.success(request, f"{sent} on their way again.")
    return redirect("dead_messages", organization_uuid)


@require_POST
def dead_drop(request: HttpRequest, organization_uuid: UUID) -> HttpResponse:
    """Let what was chosen be; nothing chosen = all of it, a part at a time."""
    dropped = drop(_chosen(request, organization_uuid), user=person(request))
    messages.success(request, f"{dropped} let be.")
    return redirect("dead_messages", organization_uuid)


def _chosen(request: HttpRequest, organization_uuid: UUID) -> QuerySet[Message]:
    user = person(request)
    organization = organization_or_404(user, organization_uuid)
    require(user, organization, Right.CHANGE_PROJECT)
    found = _dead(user, organization)
    if asked := request.POST.getlist("message"):
        return found.filter(uuid__in=[uuid for uuid in map(_uuid, asked) if uuid is not None])
    return found


def _dead(user: User, organization: Organization) -> QuerySet[Message]:
    projects = readable_projects(user).filter(organization=organization).values("pk")
    return Message.objects.filter(project__in=projects, state=MessageState.DEAD)


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
