"""Set a project up at its git host: hook, deploy key, commit statuses; each by the outbox, again and again until it is done."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from builds.addresses import hook_url
from builds.models import HostingStep, Project
from builds.models.hosting import StepName, StepState
from builds.outbound import outbox
from builds.outbound.errors import DeliveryError
from builds.providers.contract import DeployKey, GitHost, Hook
from builds.providers.errors import ProviderError
from builds.services import host_calls
from builds.services.check_hosting import look_soon
from builds.services.hosting import ref_of

KIND = "hosting_step"
STEPS = (StepName.HOOK, StepName.KEY, StepName.STATUS)


def set_up(project: Project, steps: Iterable[str] = STEPS) -> None:
    """Have these steps done, in the caller's transaction or one of its own; at their next wish they are done again."""
    with transaction.atomic():
        for name in steps:
            step, _ = HostingStep.objects.get_or_create(project=project, name=name)
            HostingStep.objects.filter(pk=step.pk).update(asked=F("asked") + 1, state=StepState.WAITING, note="")
            step.refresh_from_db()
            outbox.put(
                KIND,
                f"{KIND}:{step.pk}:{step.asked}",
                {"step": step.pk},
                lane=f"{KIND}:{project.pk}",
                owner=f"organization:{project.organization.uuid}",
            )


def _gave_up(payload: dict[str, int], error: str) -> None:
    HostingStep.objects.filter(pk=payload["step"]).update(state=StepState.FAILED, note=error, tried_at=timezone.now())


@outbox.handles(KIND, gave_up=_gave_up)
def deliver(payload: dict[str, int]) -> None:
    """Do one step."""
    step = HostingStep.objects.filter(pk=payload["step"]).first()
    project = host_calls.connected(step.project_id) if step else None
    if step is None or project is None or project.connection is None or step.name not in _DO:
        return
    try:
        with host_calls.calling(project.connection) as host:
            state, note = _DO[step.name](host, project)
    except DeliveryError as error:
        _keep(step, StepState.WAITING, f"{error} It is tried again by itself.")
        raise
    except ProviderError as error:
        state, note = StepState.FAILED, host_calls.remedy(error, project.connection)
    _keep(step, state, note)
    look_soon(project)


def _keep(step: HostingStep, state: str, note: str) -> None:
    HostingStep.objects.filter(pk=step.pk).update(state=state, note=note, tried_at=timezone.now())


def _hook(host: GitHost, project: Project) -> tuple[str, str]:
    made = host.make_hook(ref_of(project), Hook(hook_url(project.provider, project.uuid), project.hook_secret))
    Project.objects.filter(pk=project.pk).update(hook_id=made[:100])
    return StepState.DONE, "Pushes, tags and pull requests are told to us."


def _key(host: GitHost, project: Project) -> tuple[str, str]:
    if project.repository_url.startswith(("https://", "http://")):
        return StepState.UNNEEDED, "The repository is public: everybody may read it."
    added = host.add_deploy_key(ref_of(project), DeployKey(f"ciservice {project.name}"[:200], project.ssh_public_key))
    Project.objects.filter(pk=project.pk).update(deploy_key_id=added[:100])
    return StepState.DONE, "The project's key may read the repository, and nothing else."


def _status(host: GitHost, project: Project) -> tuple[str, str]:
    if not project.reports_statuses:
        return StepState.UNNEEDED, "Statuses are switched off in the project's settings."
    account = host.whoami()
    return StepState.DONE, f"Every build is shown beside its commit, in the name of {account.name}."


_DO: dict[str, Callable[[GitHost, Project], tuple[str, str]]] = {
    StepName.HOOK: _hook,
    StepName.KEY: _key,
    StepName.STATUS: _status,
}
