"""Full addresses of pages of this app, for messages."""

from __future__ import annotations

from uuid import UUID

from django.conf import settings
from django.urls import reverse


def rules_url(project_uuid: UUID | str) -> str:
    """Where people see and change what a project tells."""
    return settings.PUBLIC_URL + reverse("notifications", args=[project_uuid])
