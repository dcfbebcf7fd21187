"""Make a build of a push: write the row and return; on commit the bell for its plan is rung."""

from __future__ import annotations

from dataclasses import dataclass

from django.db import connection, transaction

from accounts.models import User
from builds.models import Build, BuildMove, Project
from builds.models.build import Trigger
from builds.refs import is_commit
from builds.services.limits import check_queue
from builds.services.report_status import report
from builds.services.texts import storable
from builds.signals import builds_created, send_on_commit
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
    fork_url: str = ""  # where the commit is, if not in the project's repository
    is_held: bool = False  # waits until a person approved the commit
    pipelines: tuple[str, ...] = ()  # those that run, and no deployment; () = everything


def trigger(
    project: Project,
    request: BuildRequest,
    *,
    who: str,
    requested_by: User | None = None,
    restart_of: Build | None = None,
) -> Build:
    """Write the build, numbered within its project, in the caller's transaction or one of its own.

    QueueFullError where as many builds of its organisation wait as may.
    """
    check_queue(project.organization_id)
    with transaction.atomic(savepoint=False):
        number = take_numbers({project.pk: 1})[project.pk]
        build = new_build(project, request, number)
        build.restart_of, build.requested_by = restart_of, requested_by
        build.save(force_insert=True)
        report(BuildMove.objects.create(build=build, went_to=build.status, who=who, reason=build.reason))
        send_on_commit(builds_created, Build, builds=[build])
    return build


def new_build(project: Project, request: BuildRequest, number: int) -> Build:
    """The row of a build that waits for its plan, or for a person, not written yet."""
    build = Build(
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
        fork_url=storable(request.fork_url, 500),
        is_held=request.is_held,
        only=list(request.pipelines) or None,
    )
    # Which commit a person would approve must be known to the last digit: until then the planner has it.
    if request.is_held and is_commit(build.commit):
        build.status, build.reason = Status.WAITING, why_held(build)
    return build


def why_held(build: Build) -> str:
    """Why a build of a fork waits, for people."""
    owner = build.branch.partition(":")[0]
    return f"From a fork by {owner}: a manager looks at commit {build.commit[:7]} and approves."


_TAKE = """
UPDATE builds_project SET last_build_number = last_build_number + wanted.column2 FROM (VALUES {rows}) wanted
WHERE id = wanted.column1 RETURNING id, last_build_number"""


def take_numbers(wanted: dict[int, int]) -> dict[int, int]:
    """The last of so many new numbers for each project, by keys; in the caller's transaction, for which all others wait
    who push to these projects. Project.DoesNotExist where one is gone.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            _TAKE.format(rows=", ".join(["(%s, %s)"] * len(wanted))),
            [value for pair in wanted.items() for value in pair],
        )
        numbers: dict[int, int] = dict(cursor.fetchall())
    if len(numbers) != len(wanted):
        raise Project.DoesNotExist
    return numbers
