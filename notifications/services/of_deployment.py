"""A deployment's move, as news and in words."""

from __future__ import annotations

import uuid

from builds.models import Step
from builds.states import BROKEN
from builds.words import duration
from deployments.addresses import deployment_url
from deployments.models import Deployment, DeploymentMove
from deployments.services.approvers import who_may
from deployments.services.gates_of import gates_of
from deployments.services.obstacles import moment
from deployments.states import PENDING, DeploymentStatus
from notifications.models import Event
from notifications.services.excerpt import excerpt
from notifications.services.happening import Happening, Words
from notifications.services.of_build import facts
from notifications.services.texts import one_line, shortened

_S = DeploymentStatus
# Where a move may be news; to any other state it never is.
NEWS_OF_DEPLOYMENTS = frozenset({_S.LIVE, _S.FAILED, _S.UNKNOWN, _S.CANCELLED, _S.ROLLED_BACK, _S.HELD, _S.WAITING})
_RUN = ("run", "deploy")


def of_deployment(move: DeploymentMove) -> Happening | None:
    """The news in a deployment's move; None where it is none. What the deployment belongs to is read from it."""
    events = _events(move)
    if not events:
        return None
    deployment = move.deployment
    build, by_hand = deployment.release.build, deployment.requested_by
    return Happening(
        project=deployment.environment.project,
        branch=build.branch,
        about=_about(move),
        events=events,
        at=move.at,
        committer=by_hand.email if by_hand else build.author_email,
        username="" if by_hand else build.author_username,
        build=build,
        words=lambda _: _words(move),
        approvers=lambda: _approvers(deployment),
    )


def _events(move: DeploymentMove) -> tuple[Event, ...]:
    """Whoever asked for failed deployments, or for live ones, hears of those that were taken back as well."""
    to, deployment = move.went_to, move.deployment
    if to == _S.LIVE:
        return (Event.ROLLED_BACK, Event.DEPLOYED) if deployment.is_rollback else (Event.DEPLOYED,)
    if to == _S.ROLLED_BACK:
        # That an earlier one took its place is told of the earlier one.
        return () if move.came_from == _S.LIVE else (Event.ROLLED_BACK, Event.DEPLOY_FAILED)
    if to == _S.CANCELLED:
        return (Event.DEPLOY_FAILED,) if _is_given_up(move) else ()
    waits = {_S.HELD: Event.HELD, _S.WAITING: Event.APPROVAL}
    return (waits.get(DeploymentStatus(to), Event.DEPLOY_FAILED),)


def _is_given_up(move: DeploymentMove) -> bool:
    """Whether it never began, and nobody stopped it: it was rejected, or nobody approved it, or it is outdated."""
    if move.came_from not in PENDING:
        return False
    return "@" not in move.who or move.deployment.decisions.filter(approved=False).exists()


def _about(move: DeploymentMove) -> uuid.UUID:
    """The deployment; a rollback that fails is told even where the deployment's own failing was."""
    deployment = move.deployment
    failed = move.came_from == _S.ROLLING_BACK and move.went_to in {_S.FAILED, _S.UNKNOWN}
    return uuid.uuid5(deployment.uuid, "rollback") if failed else deployment.uuid


def _approvers(deployment: Deployment) -> list[str]:
    rule = gates_of(deployment.environment).approval
    return [user.email for user in who_may(rule, deployment)] if rule else []


def _words(move: DeploymentMove) -> Words:
    deployment = move.deployment
    project, environment = deployment.environment.project, one_line(deployment.environment.name, 60)
    is_bad = move.went_to in {_S.FAILED, _S.UNKNOWN, _S.ROLLED_BACK}
    failed = _failed_step(deployment) if is_bad else None
    sentence = _sentence(move, environment, failed)
    return Words(
        subject=shortened(f"{one_line(project.name, 60)} {environment}: {sentence}", 200),
        sentence=sentence,
        details="\n".join([facts(deployment.release.build), *_more(move)]),
        excerpt=excerpt(failed) if failed else "",
        link=deployment_url(project.uuid, deployment.uuid),
    )


def _more(move: DeploymentMove) -> list[str]:
    deployment = move.deployment
    lines = [f"reason: {one_line(deployment.request_reason, 300)}"] if deployment.request_reason else []
    if move.went_to == _S.WAITING and deployment.expires_at:
        windows = gates_of(deployment.environment).windows
        last = moment(deployment.expires_at, windows[0].zone if windows else "UTC", move.at)
        lines.append(f"to be approved before {last}")
    return lines


def _sentence(move: DeploymentMove, environment: str, failed: Step | None) -> str:
    deployment, why = move.deployment, one_line(move.reason, 300)
    release = str(deployment.release).capitalize()
    if move.went_to in {_S.HELD, _S.WAITING}:
        return f"{release} is to go to {environment}: {why[:1].lower()}{why[1:]}"
    if move.came_from == _S.ROLLING_BACK:
        return _of_rollback(move, environment, why)
    if move.went_to == _S.UNKNOWN:
        return f"Nobody knows whether {deployment.release} reached {environment} — please look and say so"
    if move.went_to == _S.LIVE:
        return _is_live(deployment, environment)
    if move.went_to == _S.ROLLED_BACK:
        return f"{release} was taken back from {environment} — {why}"
    if failed is not None and failed.exit_code is not None:
        why = f"{one_line(failed.name, 80)} exited {failed.exit_code}"
    return f"{release} did not reach {environment}" + (f" — {why}" if why else "")


def _of_rollback(move: DeploymentMove, environment: str, why: str) -> str:
    """How it ended that the release before was to be brought back."""
    deployment = move.deployment
    if move.went_to == _S.UNKNOWN:
        return f"Nobody knows whether {deployment.release} was taken back from {environment} — please look and say so"
    if move.went_to == _S.FAILED:
        return f"{environment} needs you: {deployment.release} is bad, and taking it back failed — {why}"
    live = f" and {deployment.previous} is live again" if deployment.previous else ""
    return f"{str(deployment.release).capitalize()} was taken back from {environment}{live}" + (
        f" — {why}" if why else ""
    )


def _is_live(deployment: Deployment, environment: str) -> str:
    took = deployment.finished_at - deployment.started_at if deployment.finished_at and deployment.started_at else None
    after = f" after {duration(took)}" if took else ""
    if deployment.is_rollback:
        from_release = f" instead of {deployment.previous}" if deployment.previous else ""
        return f"Rolled back: {deployment.release} is live in {environment}{from_release}"
    return f"{str(deployment.release).capitalize()} is live in {environment}{after}"


def _failed_step(deployment: Deployment) -> Step | None:
    """What broke last, of any of its jobs."""
    jobs = {job for pair in deployment.stages.values_list("job", "check_job") for job in pair} | {deployment.job_id}
    broken = Step.objects.filter(job__in=jobs - {None}, kind__in=_RUN, status__in=BROKEN)
    return broken.order_by("-job_id", "-attempt", "position").first()
