"""The log of a step as text: whole, or a range of lines."""

from __future__ import annotations

from functools import partial
from typing import Annotated
from uuid import UUID

from django.http import HttpResponse, HttpResponseBase, StreamingHttpResponse
from ninja import Query, Router, Schema
from pydantic import Field

from builds.access import step_in_or_404
from builds.api.auth import Asked, AsyncTokenAuth
from builds.api.schemas import Errors
from builds.logs import read
from builds.logs.hub import in_thread
from builds.models import Step
from builds.streaming import in_threads

router = Router(tags=["logs"])
_STEP = "/organizations/{uuid:organization_uuid}/projects/{uuid:project_uuid}/builds/{uuid:build_uuid}/steps/{uuid:step_uuid}"
_TEXT = "text/plain; charset=utf-8"


class Range(Schema):
    """Which lines. With neither the whole log comes, as printed so far."""

    from_line: int | None = Field(None, ge=1, le=2**53, description="The first line; lines count from 1.")
    limit: int | None = Field(None, ge=1, le=2**53, description=f"How many lines, {read.SLICE_LINES} at most.")


@router.get(
    f"{_STEP}/log",
    auth=AsyncTokenAuth(),
    response={404: Errors},
    operation_id="show_log",
    openapi_extra={
        "responses": {200: {"description": "The log", "content": {"text/plain": {"schema": {"type": "string"}}}}}
    },
)
async def show_log(
    request: Asked,
    organization_uuid: UUID,
    project_uuid: UUID,
    build_uuid: UUID,
    step_uuid: UUID,
    wanted: Annotated[Range, Query()],
) -> HttpResponseBase:
    """The step's log as text/plain.

    X-Total-Lines counts the lines there are so far, X-Log-Ended says whether more may come, and X-Next-Line, where there
    is one, is the line to ask for next.
    """
    step = await in_thread(
        partial(step_in_or_404, request.auth, organization_uuid, project_uuid, build_uuid, step_uuid)
    )
    if wanted.from_line is None and wanted.limit is None:
        return StreamingHttpResponse(in_threads(read.raw(step)), content_type=_TEXT)
    return await in_thread(partial(_lines, step, wanted.from_line or 1, wanted.limit or read.SLICE_LINES))


def _lines(step: Step, first: int, limit: int) -> HttpResponse:
    found = read.lines(step, first, limit)
    parts = [row.data if isinstance(row, read.Line) else row.text.encode() for row in found.rows]
    response = HttpResponse(b"".join(part + b"\n" for part in parts), content_type=_TEXT)
    response.headers["X-Total-Lines"] = str(found.total)
    response.headers["X-Log-Ended"] = "true" if found.ended else "false"
    if (after := _next_line(found, first)) is not None:
        response.headers["X-Next-Line"] = str(after)
    return response


def _next_line(found: read.LogSlice, first: int) -> int | None:
    """The line to ask for next; None where the log has ended and this was its end."""
    after = _after(found.rows[-1], ended=found.ended) if found.rows else first
    return None if found.ended and after > found.total else after


def _after(row: read.Line | read.Gap, *, ended: bool) -> int:
    if isinstance(row, read.Gap):
        return row.number + row.lines
    return row.number + 1 if row.is_finished or ended else row.number
