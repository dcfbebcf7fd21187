"""Server-Sent Events for the pages: what changed, so that they look again."""

from __future__ import annotations

from functools import partial
from uuid import UUID

from asgiref.sync import sync_to_async
from django.db import connection
from django.db.models import Exists, OuterRef
from django.http import HttpRequest, StreamingHttpResponse
from django.views.decorators.http import require_GET

from accounts.models import User
from builds.access import build_or_404, organizations_of, project_or_404, readable_projects
from builds.logs.hub import in_thread
from builds.logs.stream import build_stream, topic_stream
from builds.models import Project
from builds.streaming import event_answer
from builds.views.listing import MOST_PROJECTS
from builds.views.person import person

_MOST_ORGANIZATIONS = 200


async def _person(request: HttpRequest) -> User:
    """Who asks. Middleware and log-in use a thread of the request, which lives as long as the stream does: the
    connection that it took is given back here, or every viewer would hold one.
    """
    return await sync_to_async(_person_once)(request)


def _person_once(request: HttpRequest) -> User:
    try:
        return User.objects.get(pk=person(request).pk)
    finally:
        if not connection.in_atomic_block:
            connection.close()


@require_GET
async def projects_events(request: HttpRequest) -> StreamingHttpResponse:
    """News of all projects that the person sees."""
    user = await _person(request)
    return event_answer(topic_stream(await in_thread(partial(_topics, user))))


def _topics(user: User) -> list[str]:
    """Organisations where the person sees everything, and single projects of those where teams keep some from them."""
    seen, hidden = readable_projects(user), Project.objects.exclude(pk__in=readable_projects(user).values("pk"))
    mine = organizations_of(user).annotate(is_partly=Exists(hidden.filter(organization=OuterRef("pk"))))
    topics, partly = [], []
    for pk, uuid, is_partly in mine.values_list("pk", "uuid", "is_partly")[:_MOST_ORGANIZATIONS]:
        if is_partly:
            partly.append(pk)
        else:
            topics.append(f"organization:{uuid}")
    if partly:
        single = seen.filter(organization__in=partly).order_by("name").values_list("uuid", flat=True)
        topics += [f"project:{uuid}" for uuid in single[:MOST_PROJECTS]]
    return topics


@require_GET
async def project_events(request: HttpRequest, uuid: UUID) -> StreamingHttpResponse:
    """News of one project."""
    user = await _person(request)
    project = await in_thread(partial(project_or_404, user, uuid))
    return event_answer(topic_stream([f"project:{project.uuid}"]))


@require_GET
async def build_events(request: HttpRequest, uuid: UUID, number: int) -> StreamingHttpResponse:
    """News of one build, and hints that logs of its steps grow."""
    user = await _person(request)
    build = await in_thread(partial(build_or_404, user, uuid, number))
    return event_answer(build_stream(str(build.uuid)))
