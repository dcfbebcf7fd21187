"""What happens in a build, as Server-Sent Events."""

from __future__ import annotations

from functools import partial
from typing import Annotated
from uuid import UUID

from django.http import HttpResponseBase
from ninja import Query, Router, Schema
from pydantic import Field

from accounts.models import User
from builds.access import build_in_or_404, step_in_or_404
from builds.api.auth import Asked, AsyncTokenAuth
from builds.api.schemas import Errors
from builds.logs.hub import in_thread
from builds.logs.stream import build_stream
from builds.streaming import event_answer

router = Router(tags=["builds"])
_BUILD = "/organizations/{uuid:organization_uuid}/projects/{uuid:project_uuid}/builds/{uuid:build_uuid}"


class Watched(Schema):
    """Which step's log to send with the events."""

    step: UUID | None = Field(None, description="Its log comes too, as text; without it only hints that logs grow.")
    from_byte: int = Field(0, ge=0, le=2**53, description="Where in the log to begin; Last-Event-ID goes before it.")


@router.get(
    f"{_BUILD}/events",
    auth=AsyncTokenAuth(),
    response={404: Errors},
    operation_id="watch_build",
    openapi_extra={"responses": {200: {"description": "Events", "content": {"text/event-stream": {}}}}},
)
async def watch_build(
    request: Asked, organization_uuid: UUID, project_uuid: UUID, build_uuid: UUID, watched: Annotated[Watched, Query()]
) -> HttpResponseBase:
    """The build's states as they change, until it has ended; the event `end` is the last."""
    names = (organization_uuid, project_uuid, build_uuid)
    await in_thread(partial(_check, request.auth, names, watched.step))
    events = build_stream(
        str(build_uuid),
        step_uuid=str(watched.step) if watched.step else None,
        from_byte=watched.from_byte,
        last_event_id=request.headers.get("Last-Event-ID", ""),
    )
    return event_answer(events)


def _check(user: User, names: tuple[UUID, UUID, UUID], step: UUID | None) -> None:
    """Http404 where the build or the step is not there, or not for `user`."""
    if step is None:
        build_in_or_404(user, *names)
    else:
        step_in_or_404(user, *names, step)
