"""What the page of environments shows: a column an environment, and the history. Plain values, a constant number of queries."""

from __future__ import annotations

from dataclasses import dataclass, field

from django.db.models import QuerySet

from builds.models import Project, Step
from builds.states import BROKEN, Status
from deployments.models import Deployment, Environment
from deployments.states import BUSY, PENDING, DeploymentStatus

HISTORY = 40
TOLD = ("environment", "release__build", "requested_by", "previous", "job")


@dataclass(frozen=True)
class Row:
    """A deployment with the step whose log says most."""

    deployment: Deployment
    step: Step | None = None

    @property
    def by(self) -> str:
        """Who brought it: the person who asked, else who wrote the commit."""
        return whose(self.deployment)

    @property
    def is_stopping(self) -> bool:
        """Whether somebody asked to stop it."""
        job = self.deployment.job
        return job is not None and job.cancel_requested_at is not None and not job.is_final

    @property
    def may_stop(self) -> bool:
        """Whether there is something to stop."""
        return self.deployment.status in PENDING | {DeploymentStatus.ROLLING_OUT} and not self.is_stopping

    @property
    def is_unknown(self) -> bool:
        """Whether a person has to say what happened."""
        return self.deployment.status == DeploymentStatus.UNKNOWN


@dataclass
class Column:
    """One environment: what is live, and what is on its way, the next one first."""

    environment: Environment
    live: Row | None = None
    coming: list[Row] = field(default_factory=list)


def whose(deployment: Deployment) -> str:
    """Who brought it, in words."""
    if deployment.requested_by is not None:
        return str(deployment.requested_by)
    build = deployment.release.build
    return build.author_name or build.author_username or build.author_email or "somebody"


def columns(project: Project) -> list[Column]:
    """The environments in the order of promotion; retired ones only while something is live or on its way there."""
    found = {environment.pk: Column(environment) for environment in project.environments.all()}
    current = _told().filter(environment__in=list(found), status__in=BUSY | PENDING | {DeploymentStatus.LIVE})
    for row in rows(list(current.order_by("id"))):
        column = found[row.deployment.environment_id]
        if row.deployment.status == DeploymentStatus.LIVE:
            column.live = row
        elif row.deployment.status in BUSY:
            column.coming.insert(0, row)
        else:
            column.coming.append(row)
    return [column for column in found.values() if not column.environment.retired or column.live or column.coming]


def history(project: Project, *, before: int | None = None) -> list[Row]:
    """The newest deployments, newest first; with `before`, those older than this one."""
    deployments = _told().filter(environment__project=project)
    if before is not None:
        deployments = deployments.filter(pk__lt=before)
    return rows(list(deployments.order_by("-id")[:HISTORY]))


def _told() -> QuerySet[Deployment]:
    # A plan and a job's steps are big, and neither is told here.
    return Deployment.objects.select_related(*TOLD).defer("release__build__plan", "job__spec")


def rows(deployments: list[Deployment]) -> list[Row]:
    """Deployments with their telling steps."""
    jobs = [each.job_id for each in deployments if each.job_id is not None]
    steps: dict[int, list[Step]] = {}
    for step in Step.objects.filter(job__in=jobs, kind="run").order_by("attempt", "position"):
        steps.setdefault(step.job_id, []).append(step)
    return [Row(each, telling(steps.get(each.job_id or 0, []))) for each in deployments]


def telling(steps: list[Step]) -> Step | None:
    """The step to look at: the failed one, else the running one, else the last that ran, else the first."""
    for wanted in (BROKEN, {Status.RUNNING}):
        found = [step for step in steps if step.status in wanted]
        if found:
            return found[0]
    ran = [step for step in steps if step.started_at is not None]
    return ran[-1] if ran else next(iter(steps), None)
