"""What becomes of environments and releases when their project goes to another organisation, or for good."""

from __future__ import annotations

from builds.models import Project
from deployments.models import Environment, Freeze, Release


def move_freezes(project: Project) -> None:
    """The freezes of its environments go along; those of the whole organisation stay."""
    Freeze.objects.filter(environment__project=project).update(organization=project.organization)


def clear(project: Project) -> None:
    """Remove its environments with their history, then its releases, which builds cannot go before."""
    Environment.objects.filter(project=project).delete()
    Release.objects.filter(project=project).delete()
