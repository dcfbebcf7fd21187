"""Server-Sent Events for the pages: what changed, so that they look."""

from __future__ import annotations

from uuid import UUID

from django.http import HttpRequest, HttpResponse


def projects_events(request: HttpRequest) -> HttpResponse:
    """News of everything the person may see."""
    return HttpResponse(status=204)


def project_events(request: HttpRequest, uuid: UUID) -> HttpResponse:
    """News of one project."""
    return HttpResponse(status=204)


def build_events(request: HttpRequest, uuid: UUID, number: int) -> HttpResponse:
    """News of one build."""
    return HttpResponse(status=204)
