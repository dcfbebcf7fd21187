"""Full addresses of pages, for whoever is not on one: webhooks, the API, messages."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

from django.conf import settings
from django.urls import reverse


def project_url(project_uuid: UUID | str) -> str:
    """Where people see a project."""
    return settings.PUBLIC_URL + reverse("project", args=[project_uuid])


def build_url(project_uuid: UUID | str, number: int) -> str:
    """Where people see a build."""
    return settings.PUBLIC_URL + reverse("build", args=[project_uuid, number])


def build_paths(project_uuid: UUID | str) -> Callable[[int], str]:
    """The paths of a project's builds by their numbers: looked up once for all of them, only the number differs."""
    before, _, after = reverse("build", args=[project_uuid, 0]).rpartition("0")
    return lambda number: f"{before}{number}{after}"


def hook_url(provider: str, project_uuid: UUID | str) -> str:
    """Where a project's git host sends its webhooks."""
    return settings.PUBLIC_URL + reverse("hook", args=[provider, project_uuid])
