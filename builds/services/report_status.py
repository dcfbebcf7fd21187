"""Tell the git host how a build stands, beside its commit: noted with each move, told after, in order.

An entry of the outbox names a commit, not a state. Who delivers it looks what is true now: the state of the newest
build of the commit. So a late try never brings an old state back, and what changed meanwhile is told once.
"""

from __future__ import annotations

from django.conf import settings

from builds.addresses import build_url
from builds.models import Build, BuildMove, Project, ReportedStatus
from builds.outbound import outbox
from builds.outbound.errors import DeliveryError
from builds.providers.contract import CommitStatus, State
from builds.providers.errors import Forbidden, ProviderError, Unauthorized
from builds.refs import is_commit
from builds.services import host_calls
from builds.services.check_hosting import look_soon
from builds.services.hosting import note_problem, ref_of
from builds.services.verdict import newest_steps, verdict
from builds.states import Status

KIND = "commit_status"
_STATES = {
    Status.QUEUED: State.PENDING,
    Status.WAITING: State.PENDING,
    Status.BLOCKED: State.PENDING,
    Status.RUNNING: State.RUNNING,
    Status.PASSED: State.PASSED,
    Status.FAILED: State.FAILED,
    Status.ERRORED: State.ERRORED,
    Status.CANCELLED: State.CANCELLED,
    Status.SKIPPED: State.SKIPPED,
}


def report(move: BuildMove) -> None:
    """In the transaction of the move, which comes with build, project and organisation: the git host is to hear of it."""
    build = move.build
    project = build.project
    if not (project.connection_id and project.repository_id and project.reports_statuses and is_commit(build.commit)):
        return
    payload = {"project": project.pk, "commit": build.commit}
    owner = f"organization:{project.organization.uuid}"
    outbox.put(KIND, f"{KIND}:{move.pk}", payload, lane=f"{KIND}:{project.pk}", owner=owner)


def context_of(project: Project) -> str:
    """What our line beside a commit is called."""
    return project.status_context or settings.STATUS_CONTEXT


def _gave_up(payload: dict[str, object], error: str) -> None:
    project, build = _newest(payload)
    if project is not None and build is not None:
        _keep(project, build, problem=error)


@outbox.handles(KIND, gave_up=_gave_up)
def deliver(payload: dict[str, object]) -> None:
    """Tell what is true now of one commit, if that was not told yet."""
    project, build = _newest(payload)
    if project is None or project.connection is None or build is None or not project.reports_statuses:
        return
    state = _STATES[Status(build.status)]
    if _is_told(project, build, state):
        return
    try:
        with host_calls.calling(project.connection) as host:
            host.set_status(ref_of(project), _status(project, build, state))
    except (Unauthorized, Forbidden) as error:
        # Somebody may put that right within the day: then the newest state is told.
        note_problem(project.pk, host_calls.remedy(error, project.connection))
        raise DeliveryError(str(error)) from None
    except ProviderError as error:
        look_soon(project)
        raise DeliveryError(str(error), permanent=True) from None
    _keep(project, build, state=state)
    if project.hosting_problem:
        look_soon(project)


def _newest(payload: dict[str, object]) -> tuple[Project | None, Build | None]:
    project = host_calls.connected(int(str(payload["project"])))
    builds = Build.objects.filter(project=project, commit=str(payload["commit"])).defer("plan")
    return project, builds.select_related("project__organization").order_by("-number").first() if project else None


def _is_told(project: Project, build: Build, state: State) -> bool:
    told = ReportedStatus.objects.filter(project=project, commit=build.commit, context=context_of(project))
    return told.filter(build=build, state=state).exists()


def _status(project: Project, build: Build, state: State) -> CommitStatus:
    said = str(verdict(build, newest_steps(build)))
    return CommitStatus(
        commit=build.commit,
        state=state,
        context=context_of(project),
        description=" ".join(said.split())[:1000],
        url=build_url(project.uuid, build.number),
    )


def _keep(project: Project, build: Build, *, state: str | None = None, problem: str = "") -> None:
    values = {"build": build, "problem": problem, **({} if state is None else {"state": state})}
    ReportedStatus.objects.update_or_create(
        project=project, commit=build.commit, context=context_of(project), defaults=values
    )
