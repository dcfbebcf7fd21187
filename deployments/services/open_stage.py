"""The stage that a deployment is in."""

from __future__ import annotations

from deployments.models import Deployment, Stage

_TOLD = ("deployment__environment", "deployment__previous", "deployment__release__build", "release__build")


def open_stage(deployment: Deployment) -> Stage | None:
    """Its newest stage, if that has not ended, with all that is decided by; None where it is in none."""
    stages = Stage.objects.select_related(*_TOLD, "job", "check_job")
    return stages.filter(deployment=deployment, ended_at=None).order_by("-number").first()
