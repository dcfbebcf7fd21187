"""The four figures of delivery (DORA) of a project and of each of its environments."""

from __future__ import annotations

from datetime import datetime
from enum import IntEnum
from typing import Annotated, Any
from uuid import UUID

from django.utils import timezone
from ninja import Query, Router, Schema
from pydantic import Field

from builds.access import project_in_or_404
from builds.api.auth import Asked
from builds.api.schemas import Errors
from deployments.api.finding import PROJECT
from deployments.services.delivered import history
from deployments.services.figures import Figures, Report, report
from deployments.services.figures import Spread as Times
from deployments.services.spans import Period, Span, span

router = Router(tags=["deployments"])


class Days(IntEnum):
    """How many days, today among them."""

    WEEK = 7
    MONTH = 30
    QUARTER = 90


class FiguresAsked(Schema):
    """Over how many days."""

    days: Days = Days.MONTH


class SpreadOut(Schema):
    """Times in seconds; null where there are none."""

    count: int
    median_seconds: float | None
    p90_seconds: float | None


class PeriodOut(Schema):
    """What was delivered in some days."""

    begins: datetime
    days: int
    deployments: int = Field(description="Changes that went live.")
    deployments_per_day: float
    deployments_per_week: float
    lead_time: SpreadOut = Field(description="From the first push of its commit until a release first went live.")
    changes: int = Field(description="Those that went out, and of which it is known how they ended.")
    failed_changes: int
    change_failure_rate: float | None = Field(description="0 to 1; null where nothing went out.")
    time_to_restore: SpreadOut = Field(description="Of the outages that ended in these days.")


class FiguresOut(Schema):
    """The figures in all, and by day (7 days) or by week from Monday, UTC."""

    total: PeriodOut
    periods: list[PeriodOut]
    not_restored_since: list[datetime] = Field(description="Outages that have not ended, the oldest first.")


class EnvironmentFigures(Schema):
    """Those of one environment."""

    uuid: UUID
    name: str
    retired: bool
    figures: FiguresOut


class ProjectFigures(Schema):
    """Those of all environments together, and of each."""

    days: int
    begins: datetime
    ends: datetime
    figures: FiguresOut
    environments: list[EnvironmentFigures]


@router.get(f"{PROJECT}/figures", response={200: ProjectFigures, 404: Errors}, operation_id="show_figures")
def show_figures(
    request: Asked, organization_uuid: UUID, project_uuid: UUID, asked: Annotated[FiguresAsked, Query()]
) -> dict[str, Any]:
    """Deployment frequency, lead time for changes, change failure rate and time to restore."""
    project = project_in_or_404(request.auth, organization_uuid, project_uuid)
    told = span(int(asked.days), timezone.now())
    found = history(project, told.begins)
    return {
        "days": told.days,
        "begins": told.begins,
        "ends": told.ends,
        "figures": _figures(report(found, told), told),
        "environments": [
            {
                "uuid": each.uuid,
                "name": each.name,
                "retired": each.retired,
                "figures": _figures(report(found, told, each.pk), told),
            }
            for each in project.environments.all()
        ],
    }


def _figures(its: Report, told: Span) -> dict[str, Any]:
    return {
        "total": _period(Period(told.begins, told.days), its.total),
        "periods": [_period(*pair) for pair in zip(told.periods, its.parts, strict=True)],
        "not_restored_since": its.open_since,
    }


def _period(period: Period, its: Figures) -> dict[str, Any]:
    return {
        "begins": period.begins,
        "days": period.days,
        "deployments": its.deployments,
        "deployments_per_day": its.per_day,
        "deployments_per_week": its.per_week,
        "lead_time": _spread(its.lead),
        "changes": its.changes,
        "failed_changes": its.failed,
        "change_failure_rate": its.failure_rate,
        "time_to_restore": _spread(its.restore),
    }


def _spread(its: Times) -> dict[str, Any]:
    return {"count": its.count, "median_seconds": its.median, "p90_seconds": its.p90}
