"""Who asks: every page here is behind the log-in, so the person is always a user."""

from __future__ import annotations

from typing import cast
from uuid import UUID

from django.http import HttpRequest

from accounts.models import Organization, User
from builds.access import Right, organization_or_404, project_or_404, require, require_in
from builds.models import Project


def person(request: HttpRequest) -> User:
    """The user who is logged in."""
    return cast("User", request.user)


def project_to_change(request: HttpRequest, uuid: UUID, right: Right) -> tuple[User, Project]:
    """Who asks, and the project, where they have `right` in its organisation; see `require`."""
    user = person(request)
    project = project_or_404(user, uuid)
    require_in(user, project, right)
    return user, project


def organization_to_change(request: HttpRequest, uuid: UUID, right: Right) -> tuple[User, Organization]:
    """Who asks, and the organisation, where they have `right` in it; see `require`."""
    user = person(request)
    organization = organization_or_404(user, uuid)
    require(user, organization, right)
    return user, organization
