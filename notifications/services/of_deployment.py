"""A deployment's move, as news and in words."""

from __future__ import annotations

from datetime import datetime

from builds.models import Step
from builds.states import BROKEN
from builds.words import duration
from deployments.addresses import deployment_url
from deployments.models import Deployment
from deployments.states import DeploymentStatus
from notifications.models import Event
from notifications.services.excerpt import excerpt
from notifications.services.happening import Happening, Words
from notifications.services.of_build import facts
from notifications.services.texts import one_line, shortened

EVENTS = {
    DeploymentStatus.LIVE: Event.DEPLOYED,
    DeploymentStatus.FAILED: Event.DEPLOY_FAILED,
    DeploymentStatus.UNKNOWN: Event.DEPLOY_FAILED,
}


def of_deployment(deployment: Deployment, *, to: str, at: datetime) -> Happening | None:
    """The news in a deployment's move to `to`; None where it is none."""
    event = EVENTS.get(DeploymentStatus(to))
    if event is None:
        return None
    build = deployment.release.build
    by_hand = deployment.requested_by
    return Happening(
        project=deployment.environment.project,
        branch=build.branch,
        about=deployment.uuid,
        events=(event,),
        at=at,
        committer=by_hand.email if by_hand else build.author_email,
        is_trusted=not build.from_fork,
        words=lambda event: _words(deployment, event, to),
    )


def _words(deployment: Deployment, event: Event, to: str) -> Words:
    project, environment = deployment.environment.project, one_line(deployment.environment.name, 60)
    failed = _failed_step(deployment) if event == Event.DEPLOY_FAILED else None
    sentence = _sentence(deployment, environment, to, failed)
    lines = [facts(deployment.release.build)]
    if deployment.request_reason:
        lines.append(f"reason: {one_line(deployment.request_reason, 300)}")
    return Words(
        subject=shortened(f"{one_line(project.name, 60)} {environment}: {sentence}", 200),
        sentence=sentence,
        details="\n".join(lines),
        excerpt=excerpt(failed) if failed else "",
        link=deployment_url(project.uuid, deployment.uuid),
    )


def _sentence(deployment: Deployment, environment: str, to: str, failed: Step | None) -> str:
    release = str(deployment.release).capitalize()
    if to == DeploymentStatus.UNKNOWN:
        return f"Nobody knows whether {deployment.release} reached {environment} — please look and say so"
    if to == DeploymentStatus.FAILED:
        why = _why(deployment, failed)
        return f"{release} did not reach {environment}" + (f" — {why}" if why else "")
    took = deployment.finished_at - deployment.started_at if deployment.finished_at and deployment.started_at else None
    after = f" after {duration(took)}" if took else ""
    if deployment.is_rollback:
        from_release = f" instead of {deployment.previous}" if deployment.previous else ""
        return f"Rolled back: {deployment.release} is live in {environment}{from_release}"
    return f"{release} is live in {environment}{after}"


def _why(deployment: Deployment, failed: Step | None) -> str:
    if failed is not None and failed.exit_code is not None:
        return f"{one_line(failed.name, 80)} exited {failed.exit_code}"
    return one_line(deployment.reason, 300)


def _failed_step(deployment: Deployment) -> Step | None:
    if deployment.job_id is None:
        return None
    broken = Step.objects.filter(job=deployment.job_id, kind="run", status__in=BROKEN)
    return broken.order_by("-attempt", "position").first()
