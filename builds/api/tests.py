"""What a build's tests came to."""

from __future__ import annotations

from uuid import UUID

from ninja import Router, Schema

from builds.access import build_in_or_404
from builds.api.auth import Asked
from builds.api.schemas import Errors
from builds.models import BadCase
from builds.services.reported import Reported, reported_of

router = Router(tags=["tests"])
_BUILD = "/organizations/{uuid:organization_uuid}/projects/{uuid:project_uuid}/builds/{uuid:build_uuid}"


class CaseOut(Schema):
    """A case that failed, or one that `passed` only when it was run again."""

    pipeline: str
    name: str
    file: str
    line: int
    seconds: float
    message: str
    passed: bool
    flaky: bool


class ReportedOut(Schema):
    """Counts of all cases; the cases are the first 200."""

    passed: int
    failed: int
    skipped: int
    seconds: float
    cases: list[CaseOut]


@router.get(f"{_BUILD}/tests", response={200: ReportedOut, 404: Errors}, operation_id="show_tests")
def show_tests(request: Asked, organization_uuid: UUID, project_uuid: UUID, build_uuid: UUID) -> ReportedOut:
    """What the reports of each pipeline's newest attempt say; all zero where there is none."""
    found = reported_of(build_in_or_404(request.auth, organization_uuid, project_uuid, build_uuid))
    found = found or Reported(passed=0, failed=0, skipped=0, seconds=0, bad=[], has_more=False)
    return ReportedOut(
        passed=found.passed,
        failed=found.failed,
        skipped=found.skipped,
        seconds=found.seconds,
        cases=[_shape(case) for case in found.bad],
    )


def _shape(case: BadCase) -> CaseOut:
    return CaseOut(
        pipeline=case.tally.job.name,
        name=case.name,
        file=case.file,
        line=case.line,
        seconds=case.seconds,
        message=case.message,
        passed=case.passed,
        flaky=case.is_flaky,
    )
