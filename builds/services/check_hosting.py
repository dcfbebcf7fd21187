"""Look whether what we need at a project's git host is still there: the repository, the hook, the key, the token."""

from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

from django.db.models import Q
from django.utils import timezone

from builds.addresses import hook_url
from builds.models import HostingStep, OutboxEntry, Project
from builds.models.hosting import StepName, StepState
from builds.models.outbox import OutboxState
from builds.outbound import outbox
from builds.providers.contract import GitHost, Repository
from builds.providers.errors import Missing, ProviderError
from builds.services import host_calls
from builds.services.hosting import note_problem, ref_of, rename

KIND = "hosting_check"
EVERY = timedelta(days=1)
WITH_A_PROBLEM = timedelta(minutes=30)
_AT_ONCE = 100
_MOST_WAITING = 2


def look_soon(project: Project) -> None:
    """Have a look by the outbox, where there is a connection; where one waits and another is on its way, that is enough."""
    lane = f"{KIND}:{project.pk}"
    if project.connection_id is None:
        return
    if OutboxEntry.objects.filter(lane=lane, state=OutboxState.PENDING).count() >= _MOST_WAITING:
        return
    payload, owner = {"project": project.pk}, f"organization:{project.organization.uuid}"
    outbox.put(KIND, f"{lane}:{uuid4()}", payload, lane=lane, owner=owner)


def look_at_what_is_due() -> int:
    """Have those looked at whose last look is a day old, or half an hour where there is a problem; how many."""
    now = timezone.now()
    lately = HostingStep.objects.filter(name=StepName.CHECK, tried_at__gt=now - EVERY)
    projects = Project.objects.exclude(connection=None).exclude(repository_id="").select_related("organization")
    worried = ~Q(hosting_problem="")
    just_now = HostingStep.objects.filter(name=StepName.CHECK, tried_at__gt=now - WITH_A_PROBLEM)
    due = projects.filter(
        ~Q(pk__in=lately.values("project")) | worried & ~Q(pk__in=just_now.values("project"))
    ).order_by("pk")
    chosen = list(due.defer("ssh_private_key", "hook_secret")[:_AT_ONCE])
    for project in chosen:
        look_soon(project)
    return len(chosen)


@outbox.handles(KIND)
def deliver(payload: dict[str, int]) -> None:
    """Look at one project."""
    project = host_calls.connected(payload["project"])
    if project is None or project.connection is None:
        return
    before = project.repository_name
    try:
        with host_calls.calling(project.connection) as host:
            problem = _problem(host, project)
    except ProviderError as error:
        problem = host_calls.remedy(error, project.connection)
    note_problem(project.pk, problem)
    renamed = (
        f"The repository is called {project.repository_name} now; it was {before}."
        if project.repository_name != before
        else ""
    )
    _keep(project, StepState.FAILED if problem else StepState.DONE, renamed)


def _keep(project: Project, state: str, note: str) -> None:
    """The note of a renaming stays until the next one."""
    values = {"state": state, "tried_at": timezone.now(), **({"note": note} if note else {})}
    HostingStep.objects.update_or_create(project=project, name=StepName.CHECK, defaults=values)


def _problem(host: GitHost, project: Project) -> str:
    """The first thing that is wrong, with its remedy; "" where all is well."""
    found = host.repository(ref_of(project))
    if found.id != project.repository_id:
        raise Missing(f"Another repository is called {project.repository_name} now: the one of this project is gone.")
    if found.name != project.repository_name:
        rename(project, found.name, found.clone_url, found.ssh_url, found.https_url)
    return _of_hook(host, project) or _of_key(host, project, found)


def _of_hook(host: GitHost, project: Project) -> str:
    there = host.find_hook(ref_of(project), hook_url(project.provider, project.uuid))
    if there:
        Project.objects.filter(pk=project.pk).exclude(hook_id=there).update(hook_id=there[:100])
        return ""
    return (
        "The webhook is not there, or is switched off: pushes are not told to us. Set it up again on the set-up page."
    )


def _of_key(host: GitHost, project: Project, found: Repository) -> str:
    if project.repository_url.startswith(("https://", "http://")):
        if found.is_private:
            return "The repository is private now: connect the project to it again, so that it is fetched with its key."
        return ""
    if host.find_deploy_key(ref_of(project), project.ssh_public_key):
        return ""
    return "The deploy key is not there: builds cannot read the repository. Set it up again on the set-up page."
