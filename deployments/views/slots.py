"""What this app says in the pages of builds: what is live in a project's row, and where a build's release went."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.template.loader import render_to_string
from django.utils.safestring import SafeString

from deployments.models import Deployment
from deployments.services.gates_of import gates_of
from deployments.states import BUSY, DeploymentStatus
from deployments.views.zone import zone_of

_S = DeploymentStatus
# What a person should know of first comes first.
_TELLING = (_S.UNKNOWN, _S.WAITING, _S.HELD, _S.ROLLING_BACK, _S.VERIFYING, _S.ROLLING_OUT)


def project_row(projects: Sequence[Any]) -> Mapping[int, SafeString]:
    """What is live in the last environment of each project, since when, and what is on its way or waits for somebody."""
    told = Deployment.objects.filter(
        environment__project__in=[project.pk for project in projects],
        environment__retired=False,
        status__in=BUSY | {_S.LIVE, _S.WAITING, _S.HELD},
    ).select_related("environment", "release")
    live: dict[int, Deployment] = {}
    coming: dict[int, Deployment] = {}
    # The last in the order of promotion wins: production.
    for each in told.order_by("environment__position", "environment_id", "id"):
        project = each.environment.project_id
        if each.status == _S.LIVE:
            live[project] = each
        elif project not in coming or _TELLING.index(_S(each.status)) < _TELLING.index(_S(coming[project].status)):
            coming[project] = each
    return {pk: _said(live.get(pk), coming.get(pk)) for pk in live.keys() | coming.keys()}


def _said(live: Deployment | None, coming: Deployment | None) -> SafeString:
    zone = zone_of(gates_of(coming.environment)) if coming else ""
    return SafeString(render_to_string("deployments/_live.html", {"live": live, "coming": coming, "zone": zone}))


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
