"""Folders of the runner's host that its operator lends to deployments: one a project, never a project's own choice."""

from __future__ import annotations

from pathlib import Path

from django.conf import settings

from builds.models import Job
from builds.models.job import JobKind


def lend(job: Job) -> Path | None:
    """The job's folder, made where it is missing; None for jobs that only test, and where no folder is lent.

    What looks whether a deployment is right finds what the deployment put there.
    """
    if not settings.DEPLOY_FOLDER or job.kind == JobKind.PIPELINE or job.build.from_fork:
        return None
    folder = Path(settings.DEPLOY_FOLDER).absolute() / str(job.build.project.uuid)
    folder.mkdir(parents=True, exist_ok=True)
    return folder
