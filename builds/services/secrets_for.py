"""Which secrets a job is given: its project's, and those of the environment that it deploys to or looks at."""

from __future__ import annotations

from builds.models import Job, Secret
from builds.models.job import JobKind

_OF_AN_ENVIRONMENT = frozenset({JobKind.DEPLOYMENT, JobKind.CHECK})


def secrets_for(project_id: int, environment: str = "") -> dict[str, str]:
    """The project's secrets, opened; those of `environment` win over those for every job."""
    rows = Secret.objects.filter(project=project_id, environment__in={"", environment})
    return dict(rows.order_by("environment").values_list("name", "value"))


def secrets_of(job: Job) -> dict[str, str]:
    """What this job is given. A stranger's fork gets none, and only a deployment those of its environment."""
    if job.build.from_fork:
        return {}
    is_there = job.kind in _OF_AN_ENVIRONMENT
    return secrets_for(job.build.project_id, str(job.variables.get("CI_ENVIRONMENT", "")) if is_there else "")
