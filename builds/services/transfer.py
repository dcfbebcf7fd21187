"""Gives a project to another organisation: one side asks, the other takes it or does not.

What goes along is the project: builds, logs, environments and their history, its own secrets, rules and keys. What stays
is the organisation's: teams, its secrets, its connection to the git host. Builds that run go on.
"""

from __future__ import annotations

from datetime import timedelta

from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.utils import timezone

from accounts.models import Organization, User
from accounts.services.audit import record
from accounts.services.roles import RefusedError
from builds.access import SEALED, Right, may, may_in
from builds.models import Job, Project, ProjectTransfer
from builds.signals import project_moved

LIFE = timedelta(days=7)


def asked_of(organization: Organization) -> QuerySet[ProjectTransfer]:
    """The projects that `organization` is asked to take, the newest first."""
    return _open().filter(target=organization).order_by("-pk")


def asked_for(project: Project) -> ProjectTransfer | None:
    """Who is asked to take `project`; None where nobody is."""
    return _open().filter(project=project).first()


def ask(project: Project, target: Organization, *, by: User) -> ProjectTransfer:
    """Ask `target` to take the project; what was asked before ends. RefusedError."""
    if target.pk == project.organization_id:
        raise RefusedError("It is there already.")
    with transaction.atomic():
        Project.objects.select_for_update(of=("self",)).only("pk").get(pk=project.pk)
        ProjectTransfer.objects.filter(project=project).delete()
        made = ProjectTransfer.objects.create(
            project=project, target=target, asked_by=by, expires_at=timezone.now() + LIFE
        )
        details = {"to": target.name, "uuid": str(project.uuid)}
        record("transfer.asked", project.name, user=by, organization=project.organization, details=details)
        told = {"from": project.organization.name, "uuid": str(project.uuid)}
        record("transfer.offered", project.name, user=by, organization=target, details=told)
    return made


def withdraw(transfer: ProjectTransfer, *, by: User) -> bool:
    """Ask no more; False where it was answered before."""
    return _end(transfer, "transfer.withdrawn", by, transfer.project.organization)


def decline(transfer: ProjectTransfer, *, by: User) -> bool:
    """Do not take it; False where it was answered or withdrawn before."""
    with transaction.atomic():
        ended = _end(transfer, "transfer.declined", by, transfer.target)
        if ended:
            project = transfer.project
            record("transfer.declined", project.name, user=by, organization=project.organization)
    return ended


def take(transfer: ProjectTransfer, *, by: User) -> Project:
    """Take the project into the target organisation. RefusedError: a name in the way, or nobody asks any more."""
    try:
        with transaction.atomic():
            return _taken(transfer, by)
    except IntegrityError:
        name = transfer.project.name
        raise RefusedError(f"{transfer.target} has a project named {name} already: rename that one first.") from None


def _taken(transfer: ProjectTransfer, by: User) -> Project:
    # Both organisations in one order, so that two transfers at once do not wait for each other.
    keys = sorted({transfer.target_id, transfer.project.organization_id})
    held = {row.pk: row for row in Organization.objects.select_for_update().filter(pk__in=keys).order_by("pk")}
    project = Project.objects.select_for_update(of=("self",)).select_related("organization").get(pk=transfer.project_id)
    _check_still_asked(transfer, project, by)
    source, target = project.organization, held[transfer.target_id]
    project.organization, project.connection = target, None
    if transfer.project.connection_id is not None:
        project.hosting_problem = f"{source}'s way to the git host stayed there: connect the repository anew."
    project.save(update_fields=["organization", "connection", "hosting_problem"])
    project.teams.clear()
    Job.objects.filter(build__project=project).update(organization=target)
    ProjectTransfer.objects.filter(pk=transfer.pk).delete()
    project_moved.send(Project, project=project)
    details = {"from": source.name, "to": target.name, "uuid": str(project.uuid)}
    for organization in (source, target):
        record("project.transferred", project.name, user=by, organization=organization, details=details)
    return project


def _check_still_asked(transfer: ProjectTransfer, project: Project, by: User) -> None:
    asked = _open().filter(pk=transfer.pk).first()
    if asked is None:
        raise RefusedError("This was withdrawn, or asked for more than seven days ago.")
    if asked.asked_by is None or not may_in(asked.asked_by, project, Right.TRANSFER_PROJECT):
        raise RefusedError("Who asked may not give the project away any more.")
    if not may(by, asked.target, Right.TRANSFER_PROJECT):
        raise RefusedError(f"You may not take projects into {asked.target}.")


def _end(transfer: ProjectTransfer, action: str, by: User, organization: Organization) -> bool:
    with transaction.atomic():
        gone, _ = ProjectTransfer.objects.filter(pk=transfer.pk).delete()
        if gone:
            record(action, transfer.project.name, user=by, organization=organization)
    return bool(gone)


def _open() -> QuerySet[ProjectTransfer]:
    rows = ProjectTransfer.objects.filter(expires_at__gt=timezone.now(), project__deleting_at=None)
    unread = (f"project__{name}" for name in SEALED)
    return rows.select_related("project__organization", "target", "asked_by").defer(*unread)
