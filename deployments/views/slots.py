"""What this app says in the pages of builds: what is live in a project's row, and where a build's release went."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.template.loader import render_to_string
from django.utils.safestring import SafeString

from deployments.models import Deployment
from deployments.states import DeploymentStatus


def project_row(projects: Sequence[Any]) -> Mapping[int, SafeString]:
    """What is live in the last environment of each project, and since when."""
    live = Deployment.objects.filter(
        environment__project__in=[project.pk for project in projects],
        environment__retired=False,
        status=DeploymentStatus.LIVE,
    ).select_related("environment", "release")
    # The last in the order of promotion wins: production.
    last = {each.environment.project_id: each for each in live.order_by("environment__position", "environment_id")}
    return {pk: SafeString(render_to_string("deployments/_live.html", {"deployment": d})) for pk, d in last.items()}


def build_page(builds: Sequence[Any]) -> Mapping[int, SafeString]:
    """The deployments of each build's release."""
    rows = Deployment.objects.filter(release__build__in=[build.pk for build in builds])
    found: dict[int, list[Deployment]] = {}
    for each in rows.select_related("environment__project", "release").order_by("id"):
        found.setdefault(each.release.build_id, []).append(each)
    return {
        pk: SafeString(render_to_string("deployments/_of_build.html", {"deployments": deployments}))
        for pk, deployments in found.items()
    }
