"""How a project's builds went over some days."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Annotated, Any
from uuid import UUID

from django.utils import timezone
from ninja import Query, Router, Schema
from pydantic import Field

from builds.access import project_pk_in_or_404
from builds.api.auth import Asked
from builds.api.schemas import Errors
from builds.services.insights import MOST_BUILDS, insights

router = Router(tags=["projects"])
_PROJECT = "/organizations/{uuid:organization_uuid}/projects/{uuid:project_uuid}"


class InsightsAsked(Schema):
    """Of which builds."""

    days: int = Field(30, ge=1, le=365)
    branch: str = Field("", max_length=255, description="Empty = every branch.")


class Lengths(Schema):
    """Lengths of time in seconds; null where there are none."""

    count: int
    p50: float | None
    p95: float | None


class PipelineTimesOut(Schema):
    """One pipeline, all its copies together."""

    name: str
    runs: int
    failed: int
    took: Lengths


class CaseTimesOut(Schema):
    """A test that did not always pass."""

    name: str
    file: str
    pipeline: str
    times: int
    last_at: datetime


class InsightsOut(Schema):
    """Builds that ended; the cases and pipelines are the first 20."""

    since: datetime
    builds: int = Field(description=f"{MOST_BUILDS} at most: the newest.")
    by_state: dict[str, int]
    success_rate: float | None = Field(description="0 to 1, of those that passed or failed; null where none did.")
    took: Lengths = Field(description="From the first job's start to the end.")
    waited: Lengths = Field(description="From the push until the first job began.")
    pipelines: list[PipelineTimesOut] = Field(description="The slowest first.")
    flaky: list[CaseTimesOut] = Field(description="Tests that failed and passed on one commit.")
    failing: list[CaseTimesOut] = Field(description="Tests that failed.")


@router.get(f"{_PROJECT}/insights", response={200: InsightsOut, 404: Errors}, operation_id="show_insights")
def show_insights(
    request: Asked, organization_uuid: UUID, project_uuid: UUID, asked: Annotated[InsightsAsked, Query()]
) -> dict[str, Any]:
    """Build times, waiting times, success rate, the slowest pipelines, flaky and failing tests."""
    pk = project_pk_in_or_404(request.auth, organization_uuid, project_uuid)
    since = timezone.now() - timedelta(days=asked.days)
    return asdict(insights(pk, since=since, branch=asked.branch.replace("\0", "")))
