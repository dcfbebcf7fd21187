"""What has been delivered of a project lately, read from its rows for the figures: three queries, however much it is."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from django.db.models import Exists, OuterRef, Q, QuerySet, Subquery

from builds.models import Build, Project
from deployments.models import Deployment, Health, HealthMove, Stage, StageKind
from deployments.services.outages import Moment, Outage, Sign, outages
from deployments.states import DeploymentStatus

_S = DeploymentStatus
# So much earlier is read what may still be bad when the span begins.
_BEFORE = timedelta(days=30)
_FAILED = frozenset({_S.FAILED, _S.ROLLED_BACK, _S.ROLLING_BACK})
_COUNTED = _FAILED | {_S.LIVE, _S.SUPERSEDED}
_COLUMNS = ("pk", "environment_id", "status", "is_rollback", "created_at", "started_at", "live_at", "finished_at")


class Delivered(NamedTuple):
    """A deployment that went out, with the moment its commit was first pushed."""

    pk: int
    environment: int
    status: str
    is_rollback: bool
    created_at: datetime
    started_at: datetime
    live_at: datetime | None
    finished_at: datetime | None
    pushed_at: datetime
    was_there: bool  # its release had been live there before

    @property
    def is_counted(self) -> bool:
        """Whether it is a change of which it is known how it ended."""
        return not self.is_rollback and self.status in _COUNTED

    @property
    def has_failed(self) -> bool:
        """Whether it failed, was taken back by itself, or was live and a person went back from it."""
        return self.status in _FAILED


@dataclass(frozen=True)
class History:
    """What went out, and when something was bad."""

    deliveries: list[Delivered]
    outages: list[Outage]


def history(project: Project, since: datetime) -> History:
    """All that began, went live or ended since then, in every environment of the project, and somewhat more."""
    deliveries = [Delivered._make(row) for row in _rows(project, since - _BEFORE)]
    backs = Stage.objects.filter(
        kind=StageKind.ROLLBACK, deployment__environment__project=project, created_at__gte=since - _BEFORE
    )
    ways = dict(_ways(backs.values_list("deployment_id", "created_at", "ended_at", "passed")))
    health = HealthMove.objects.filter(environment__project=project, at__gte=since - _BEFORE)
    moments = [
        Moment(at, Sign.HEALTH_BAD if to == Health.BAD else Sign.HEALTH_GOOD, environment)
        for environment, to, at in health.values_list("environment_id", "went_to", "at")
    ]
    return History(deliveries, outages([*moments, *_moments(deliveries, ways)]))


def _rows(project: Project, since: datetime) -> QuerySet[Deployment, tuple[object, ...]]:
    pushed = Build.objects.filter(project=project, commit=OuterRef("release__commit")).order_by("created_at")
    earlier = Deployment.objects.filter(
        environment=OuterRef("environment"), release=OuterRef("release"), live_at__lt=OuterRef("live_at")
    )
    recent = Q(started_at__gte=since) | Q(live_at__gte=since) | Q(finished_at__gte=since)
    rows = Deployment.objects.filter(recent, environment__project=project, started_at__isnull=False)
    return rows.values_list(*_COLUMNS, Subquery(pushed.values("created_at")[:1]), Exists(earlier))


_Way = tuple[datetime, datetime | None]


def _ways(rows: Iterable[tuple[int, datetime, datetime | None, bool | None]]) -> Iterator[tuple[int, _Way]]:
    """From when to when each deployment was taken back; without an end it was not."""
    for deployment, began, ended, passed in rows:
        yield deployment, (began, ended if passed else None)


def _moments(deliveries: Iterable[Delivered], ways: dict[int, _Way]) -> Iterator[Moment]:
    for its in deliveries:
        if its.live_at is not None:
            yield Moment(its.live_at, Sign.LIVE, its.environment)
        began, back = ways.get(its.pk, (None, None))
        failed_at = began or _failed_at(its)
        if failed_at is not None:
            yield Moment(failed_at, Sign.CHANGE_FAILED, its.environment)
        if back is not None:
            yield Moment(back, Sign.TAKEN_BACK, its.environment)


def _failed_at(its: Delivered) -> datetime | None:
    """When it was known that something is wrong: of a rollback by hand that is when it was asked for."""
    if its.is_rollback:
        return None if its.status == _S.CANCELLED else its.created_at
    return its.finished_at if its.status in _FAILED and its.live_at is None else None
