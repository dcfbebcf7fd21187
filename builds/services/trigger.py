"""Make a build of a push: write the row and return; on commit the bell for its plan is rung."""

from __future__ import annotations

from dataclasses import dataclass

from django.db import connection, transaction

from accounts.models import User
from builds.models import Build, BuildMove, Project
from builds.models.build import Trigger
from builds.services.texts import storable
from builds.signals import build_created, send_on_commit
from builds.states import Status


@dataclass(frozen=True, kw_only=True)
class BuildRequest:
    """What is to be built: a commit, and what is known of it. Texts may come from strangers."""

    ref: str  # refs/heads/main
    branch: str  # the branch, or the tag's name
    commit: str  # "" = the newest of the ref, resolved when the build is planned
    message: str = ""
    author_name: str = ""
    author_email: str = ""
    author_username: str = ""
    trigger: Trigger = Trigger.PUSH
    pull_request: int | None = None
    pull_request_url: str = ""
    from_fork: bool = False


def trigger(
    project: Project,
    request: BuildRequest,
    *,
    who: str,
    requested_by: User | None = None,
    restart_of: Build | None = None,
) -> Build:
    """Write the build, numbered within its project, in the caller's transaction or one of its own."""
    with transaction.atomic(savepoint=False):
        number = _next_number(project)
        build = Build.objects.create(
            project=project,
            number=number,
            trigger=request.trigger,
            ref=storable(request.ref, 300),
            branch=storable(request.branch, 255),
            commit=storable(request.commit, 64),
            message=storable(request.message, 20_000),
            author_name=storable(request.author_name, 200),
            author_email=storable(request.author_email, 254),
            author_username=storable(request.author_username, 100),
            pull_request=request.pull_request,
            pull_request_url=storable(request.pull_request_url, 500),
            from_fork=request.from_fork,
            restart_of=restart_of,
            requested_by=requested_by,
        )
        BuildMove.objects.create(build=build, went_to=Status.QUEUED, who=who)
        send_on_commit(build_created, Build, build_id=build.pk)
    return build


def _next_number(project: Project) -> int:
    """Count up, in one statement: everybody else who pushes to the project waits for this transaction."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE builds_project SET last_build_number = last_build_number + 1 WHERE id = %s"
            " RETURNING last_build_number",
            [project.pk],
        )
        row = cursor.fetchone()
    if row is None:
        raise Project.DoesNotExist
    return int(row[0])
