"""Environments behind gates, and moments inside and outside of them."""

from __future__ import annotations

from builds.pipeline.delivery import Approval, Gates
from builds.pipeline.plan import EnvironmentPlan
from builds.pipeline.windows import read_window
from deployments.models import Deployment
from tests.deployments.conftest import environment_plan

VIENNA = "Mon-Thu 18:00-10:00 Europe/Vienna"
FRIDAY_NOON = "2026-11-27T12:00:00+00:00"
MONDAY_EVENING = "2026-11-30T17:00:00+00:00"  # 18:00 in Vienna


def staging(*windows: str, approval: Approval | None = None, queue: bool = False) -> EnvironmentPlan:
    """Staging, to which main goes through these gates."""
    return gated("staging", *windows, approval=approval, queue=queue)


def gated(
    name: str, *windows: str, approval: Approval | None = None, queue: bool = False, **values: object
) -> EnvironmentPlan:
    """An environment with gates; main goes there where nothing else is said."""
    its = {"branch": "main", **values} if "after" not in values else values
    gates = Gates(
        branches=("main",) if its.get("branch") else (),
        approval=approval,
        windows=tuple(read_window(window) for window in windows),
        queue=queue,
    )
    return environment_plan(name, gates=gates, applies=True, **its)


def fresh(deployment: Deployment) -> Deployment:
    """The deployment as its row has it now."""
    rows = Deployment.objects.select_related("environment__project__organization", "release__build")
    return rows.get(pk=deployment.pk)
