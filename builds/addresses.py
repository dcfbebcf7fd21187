"""Full addresses of pages, for whoever is not on one: webhooks, the API, messages."""

from __future__ import annotations

from uuid import UUID

from django.conf import settings
from django.urls import reverse


def build_url(project_uuid: UUID, number: int) -> str:
    """Where people see a build."""
    return settings.PUBLIC_URL + reverse("build", args=[project_uuid, number])
