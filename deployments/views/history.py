"""The history of a project's releases: one line a release, and a bracket from what was taken back to what came back."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from builds.models import Project
from deployments.models import Deployment, Environment, Release
from deployments.states import DeploymentStatus
from deployments.views.rows import whose

HISTORY = 30
_S = DeploymentStatus


@dataclass(frozen=True)
class TakenBack:
    """A release made room for an earlier one."""

    deployment: Deployment
    environment: Environment
    release: int  # the number of the one that went
    back_to: int | None  # of the one that came; None where it is not known
    reason: str
    by: str  # "" = by itself
    at: datetime | None


@dataclass
class Line:
    """One release: where it is or was, the newest state in each environment."""

    release: Release
    places: list[Deployment] = field(default_factory=list)
    taken_back: list[TakenBack] = field(default_factory=list)
    bracket: str = ""  # top, inside, bottom: its part of a bracket

    @property
    def state(self) -> str:
        """The state whose drawing stands before the line: that of the last place it came to."""
        return self.places[-1].status if self.places else ""


def history(project: Project, *, before: int | None = None) -> list[Line]:
    """The newest releases, newest first; with `before`, those of a lower number. Two queries."""
    releases = Release.objects.filter(project=project).select_related("build").defer("build__plan")
    if before is not None:
        releases = releases.filter(number__lt=before)
    lines = {each.pk: Line(each) for each in releases.order_by("-number")[:HISTORY]}
    went = Deployment.objects.filter(release__in=list(lines)).select_related(
        "environment", "release", "previous", "requested_by"
    )
    every = list(went.order_by("environment__position", "environment_id", "id"))
    for line_pk, newest in {(each.release_id, each.environment_id): each for each in every}.items():
        lines[line_pk[0]].places.append(newest)
    ordered = list(lines.values())
    for event in _taken_back(every):
        line = next((each for each in ordered if each.release.number == event.release), None)
        if line is not None:
            line.taken_back.append(event)
    _draw_brackets(ordered)
    return ordered


def _taken_back(every: list[Deployment]) -> list[TakenBack]:
    by_hand = [_by_hand(each) for each in every if each.is_rollback and each.live_at and each.previous]
    known = {(event.environment.pk, event.release) for event in by_hand}
    by_itself = [
        _by_itself(each)
        for each in every
        if each.status in {_S.ROLLED_BACK, _S.ROLLING_BACK} and (each.environment_id, each.release.number) not in known
    ]
    return [*by_hand, *by_itself]


def _by_hand(back: Deployment) -> TakenBack:
    went = back.previous.number if back.previous else 0
    return TakenBack(
        back, back.environment, went, back.release.number, back.request_reason, _person(back), at=back.live_at
    )


def _by_itself(deployment: Deployment) -> TakenBack:
    back_to = deployment.previous.number if deployment.previous else None
    reason = deployment.turning_back or deployment.reason
    return TakenBack(
        deployment, deployment.environment, deployment.release.number, back_to, reason, "", at=deployment.finished_at
    )


def _person(deployment: Deployment) -> str:
    return whose(deployment) if deployment.requested_by else "somebody"


def _draw_brackets(lines: list[Line]) -> None:
    """Mark the lines between what went and what came; where brackets cross, the upper one is drawn."""
    taken: set[int] = set()
    for line in lines:
        targets = [event.back_to for event in line.taken_back if event.back_to and event.back_to < line.release.number]
        if not targets or line.release.number in taken:
            continue
        last = max(targets)
        inside = [each for each in lines if last <= each.release.number <= line.release.number]
        for each in inside:
            each.bracket = "inside"
        inside[0].bracket = "top"
        if inside[-1].release.number == last:
            inside[-1].bracket = "bottom"
        taken.update(each.release.number for each in inside)
