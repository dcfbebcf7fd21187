"""Keep the environments' rows as the configuration has them."""

from __future__ import annotations

from django.db import transaction

from builds.models import Build, Project
from builds.pipeline.plan import EnvironmentPlan
from builds.signals import send_on_commit
from deployments.models import Deployment, Environment
from deployments.services.gates_of import gates_to_json
from deployments.services.move import move
from deployments.services.plans import applies, deployments_of, may_deploy
from deployments.signals import environment_changed
from deployments.states import PENDING, DeploymentStatus

WHO = "configuration"


def sync_environments(build: Build) -> None:
    """Make, order and retire environments by the plan of `build`, unless a newer build of its branch has spoken.

    The default branch decides; another branch adds only environments of its own that it deploys to, under names that are
    nobody else's.
    """
    if build.plan is None or build.exactly or not may_deploy(build) or not build.ref.startswith("refs/heads/"):
        return
    configured = deployments_of(build)
    if not configured and not _has_any(build):
        return
    with transaction.atomic():
        project = Project.objects.select_for_update(of=("self",), no_key=True).get(pk=build.project_id)
        newer = Build.objects.of_branch(build.branch).filter(project=project, number__gt=build.number)
        newer = newer.filter(ref=build.ref, pull_request=None, from_fork=False, exactly=False, is_late=False)
        if newer.filter(planned_at__isnull=False).exists():
            return
        is_default = build.branch == project.default_branch
        plans = [plan for plan in configured if is_default or applies(plan)]
        for position, plan in enumerate(plans):
            _write(project, plan, position=position, branch=build.branch, is_default=is_default)
        gone = project.environments.filter(source=build.branch, retired=False)
        for environment in gone.exclude(name__in=[plan.name for plan in plans]):
            _retire(environment)


def _has_any(build: Build) -> bool:
    return Environment.objects.filter(project_id=build.project_id, source=build.branch, retired=False).exists()


def _write(project: Project, plan: EnvironmentPlan, *, position: int, branch: str, is_default: bool) -> None:
    values = {
        "position": position,
        "branch": plan.branch[:255],
        "after": plan.after[:100],
        "source": branch,
        "retired": False,
        "gates": gates_to_json(plan.gates),
        "url": plan.rollout.url[:500],
    }
    environment, made = Environment.objects.get_or_create(project=project, name=plan.name, defaults=values)
    # Secrets belong to a name: one that another branch has given up is not free for the taking.
    mine = is_default or environment.source == branch
    if not made and mine and any(getattr(environment, name) != value for name, value in values.items()):
        Environment.objects.filter(pk=environment.pk).update(**values)
        send_on_commit(environment_changed, Environment, environment_id=environment.pk)


def _retire(environment: Environment) -> None:
    Environment.objects.filter(pk=environment.pk).update(retired=True)
    for waiting in Deployment.objects.filter(environment=environment, status__in=PENDING):
        reason = f"{environment.name} is no longer in the configuration"
        move(waiting.pk, DeploymentStatus.CANCELLED, who=WHO, reason=reason)
