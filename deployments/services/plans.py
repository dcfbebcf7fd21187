"""What a build's plan says about environments."""

from __future__ import annotations

from builds.models import Build
from builds.models.build import Trigger
from builds.pipeline.plan import EnvironmentPlan, plan_from_json
from deployments.models import Environment, Release


def deployments_of(build: Build) -> tuple[EnvironmentPlan, ...]:
    """The environments that the build's own configuration names, in its order; none before it is planned."""
    # Most plans deploy nothing, and reading one means to check every step in it.
    return plan_from_json(build.plan).deployments if build.plan and build.plan.get("deployments") else ()


def plan_for(release: Release, environment: Environment) -> EnvironmentPlan | None:
    """How this release goes to this environment, as it was configured when it was built; None: it cannot."""
    return next((plan for plan in deployments_of(release.build) if plan.name == environment.name), None)


def may_deploy(build: Build) -> bool:
    """Whether a build may ever deploy by itself: what is proposed, by whomever, is not merged; what was told late is older
    than what may be there.
    """
    proposed = build.from_fork or build.pull_request is not None or build.trigger == Trigger.PULL_REQUEST
    return not proposed and not build.is_late


def applies(plan: EnvironmentPlan) -> bool:
    """Whether the build's branch or tag may go there."""
    return plan.applies or bool(plan.after and not plan.branch and not plan.gates.tags)
