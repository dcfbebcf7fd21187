"""Deletes a project or a whole organisation: from now on nobody sees it; a worker removes the rest (`clear_away`)."""

from __future__ import annotations

from django.db import transaction
from django.utils import timezone

from accounts.models import ApiToken, Organization, User
from accounts.services.audit import record
from accounts.services.roles import hold
from builds.models import Project, ProjectTransfer, RepositoryLook, Schedule, Secret
from builds.signals import send_on_commit, work_left


def delete_project(project: Project, *, by: User) -> bool:
    """Hide the project at once and have everything of it removed; False where somebody did so before."""
    with transaction.atomic():
        organization = hold(project.organization)
        if not _hide(project):
            return False
        record(
            "project.deleted",
            project.name,
            user=by,
            organization=organization,
            details={"uuid": str(project.uuid), "repository": project.repository_url},
        )
        send_on_commit(work_left, Project)
    return True


def delete_organization(organization: Organization, *, by: User) -> bool:
    """Let every member out at once and have everything of it removed; False where somebody did so before."""
    with transaction.atomic():
        held = hold(organization)
        if held.deleting_at is not None:
            return False
        for project in Project.objects.filter(organization=held):
            _hide(project)
        name, held.slug, held.deleting_at = held.name, f"deleted-{held.uuid}", timezone.now()
        held.save(update_fields=["slug", "deleting_at"])
        held.memberships.all().delete()
        held.invitations.all().delete()
        held.transfers_in.all().delete()
        ApiToken.objects.filter(organization=held).delete()
        # The organisation's own log goes with it: this one is the instance's.
        record("organization.deleted", name, user=by, details={"uuid": str(held.uuid)})
        send_on_commit(work_left, Organization)
    return True


def _hide(project: Project) -> bool:
    """Take it out of every list and look-up, free its name, and let nothing begin any more."""
    free = f"{project.name[:100]} {project.uuid}"
    if not Project.objects.filter(pk=project.pk).update(deleting_at=timezone.now(), name=free):
        return False
    Schedule.objects.filter(project=project).delete()
    RepositoryLook.objects.filter(project=project).delete()
    ProjectTransfer.objects.filter(project=project).delete()
    # A secret for some projects alone must not become one for all when the last of them goes.
    its_own = set(Secret.objects.filter(projects=project).values_list("pk", flat=True))
    kept = Secret.objects.filter(pk__in=its_own, projects__deleting_at=None).values_list("pk", flat=True)
    Secret.objects.filter(pk__in=its_own - set(kept)).delete()
    return True
