"""Full addresses of pages of this app, for whoever is not on one: the API, messages."""

from __future__ import annotations

from uuid import UUID

from django.conf import settings
from django.urls import reverse


def deployment_url(project_uuid: UUID | str, deployment_uuid: UUID | str) -> str:
    """Where people see a deployment."""
    return settings.PUBLIC_URL + reverse("deployment", args=[project_uuid, deployment_uuid])


def environments_url(project_uuid: UUID | str) -> str:
    """Where people see what is live in a project."""
    return settings.PUBLIC_URL + reverse("environments", args=[project_uuid])


def release_url(project_uuid: UUID | str, number: int) -> str:
    """Where people see a release."""
    return settings.PUBLIC_URL + reverse("release", args=[project_uuid, number])
