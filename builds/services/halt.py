"""Stop all new work, everywhere or in one organisation, and let it go again.

Whoever halts takes the rows of the organisations that are meant, as every claim does (services/claim.py): when `halt`
returns, no claim is on its way, and every later one sees it. Webhooks are taken and builds planned all the while.
"""

from __future__ import annotations

from django.db import transaction
from django.db.models import Q, QuerySet
from django.db.models.functions import Now

from accounts.models import Organization, User
from accounts.services.audit import record
from builds.models import Halt, Job
from builds.services.cancel import cancel_job
from builds.services.texts import storable
from builds.signals import job_waiting, send_on_commit
from builds.states import Status

_LONGEST_REASON = 500


def halt(organization: Organization | None, *, user: User, reason: str, stop_running: bool = False) -> Halt:
    """Let no new job begin in `organization` (None = anywhere). Halted already: the new reason stands beside the other.

    `stop_running` cancels what runs, too.
    """
    reason = storable(reason.strip(), _LONGEST_REASON) or "No reason was given."
    with transaction.atomic():
        made = Halt.objects.create(organization=organization, reason=reason, by=user)
        meant = Organization.objects.select_for_update(no_key=True).order_by("pk")
        list((meant.filter(pk=organization.pk) if organization else meant).values_list("pk"))
        details = {"reason": reason, "stopped_running": stop_running}
        record("work.halted", _subject(organization), user=user, organization=organization, details=details)
    if stop_running:
        _stop(organization, user=user, reason=f"All work was halted: {reason}")
    return made


def resume(organization: Organization | None, *, user: User) -> bool:
    """Lift every halt of `organization` (None: those of the whole instance). False: there was none."""
    with transaction.atomic():
        held = Halt.objects.filter(organization=organization, ended_at=None)
        if not held.update(ended_at=Now(), ended_by=user):
            return False
        record("work.resumed", _subject(organization), user=user, organization=organization)
        send_on_commit(job_waiting, Job, job_id=0)  # one bell; a runner that hears it fills all its slots
    return True


def is_halted(organization_id: int) -> bool:
    """Whether no new work may begin there."""
    return holding([organization_id]).exists()


def holding(organization_ids: list[int]) -> QuerySet[Halt]:
    """The halts that hold for any of these organisations, the oldest first."""
    mine = Q(organization=None) | Q(organization__in=organization_ids)
    return Halt.objects.filter(mine, ended_at=None).select_related("organization", "by").order_by("pk")


def _subject(organization: Organization | None) -> str:
    return organization.name if organization else "everything"


def _stop(organization: Organization | None, *, user: User, reason: str) -> None:
    running = Job.objects.filter(status=Status.RUNNING)
    if organization is not None:
        running = running.filter(organization=organization)
    for job in running.only("pk"):
        cancel_job(job, who=user.email, reason=reason)
