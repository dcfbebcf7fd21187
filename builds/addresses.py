"""Full addresses of pages, for whoever is not on one: webhooks, the API, messages."""

from __future__ import annotations

from uuid import UUID

from django.conf import settings
from django.urls import reverse


def project_url(project_uuid: UUID | str) -> str:
    """Where people see a project."""
    return settings.PUBLIC_URL + reverse("project", args=[project_uuid])


def build_url(project_uuid: UUID | str, number: int) -> str:
    """Where people see a build."""
    return settings.PUBLIC_URL + reverse("build", args=[project_uuid, number])
