"""Removes what is being deleted: stops its jobs, then its files, then its rows, a piece at a time. The rows are the list
of what is left to do, so whoever is killed in the middle is followed by the next who comes.
"""

from __future__ import annotations

import logging
import shutil
from typing import Any

from django.core.files.storage import default_storage
from django.db import transaction
from django.db.models import QuerySet

from accounts.models import Organization
from builds.access import SEALED
from builds.models import Artifact, Build, Cache, Export, Job, Project, Segment
from builds.services.cancel import cancel_job
from builds.services.machine import executor_settings
from builds.services.move import move_build
from builds.signals import project_clearing
from builds.states import FINAL, Status
from runners.checkout.mirror import mirror_path

log = logging.getLogger(__name__)

BUILDS_AT_ONCE = 50
_PROJECTS_A_CALL = 20
_FILES_AT_ONCE = 1000
_WHY = "Its project was deleted."


class _StorageError(Exception):
    """A file could not be removed: the row stays, and the next call tries again."""


def clear_away() -> int:
    """Remove what can be removed now; how many projects and organisations are gone for good."""
    # Organisations first: theirs is the way to the git hosts, where something is still removed for projects that went.
    gone = sum(_clear_organization(each) for each in Organization.objects.exclude(deleting_at=None))
    waiting = Project.every.exclude(deleting_at=None).order_by("deleting_at")
    for pk in list(waiting.values_list("pk", flat=True)[:_PROJECTS_A_CALL]):
        gone += _clear_project(pk)
    return gone


def _clear_project(pk: int) -> bool:
    """False where something of it still runs, or its storage does not answer: the next call goes on."""
    project = Project.every.defer(*SEALED).filter(pk=pk).first()
    if project is None or _stop(project):
        return False
    with transaction.atomic():
        project_clearing.send(Project, project=project)
    try:
        while _clear_builds(pk):
            pass
        _remove_files(Cache.objects.filter(project=pk))
    except _StorageError as error:
        log.warning("project=%s is not deleted yet: %s", project.uuid, error)
        return False
    shutil.rmtree(mirror_path(executor_settings().mirrors, str(project.uuid)), ignore_errors=True)
    project.delete()
    log.info("project=%s is deleted for good", project.uuid)
    return True


def _stop(project: Project) -> bool:
    """Whether jobs still run; those that wait never begin."""
    for job in Job.objects.unfinished().filter(build__project=project).only("pk"):
        cancel_job(job, who="", reason=_WHY)
    unplanned = Build.objects.filter(project=project).exclude(status__in=FINAL).filter(jobs=None)
    for pk in list(unplanned.values_list("pk", flat=True)):
        move_build(pk, Status.CANCELLED, who="", reason=_WHY)
    return Job.objects.filter(build__project=project, status=Status.RUNNING).exists()


def _clear_builds(project_pk: int) -> int:
    """Remove some builds with their files; how many."""
    builds = Build.objects.filter(project=project_pk).order_by("pk")
    keys = list(builds.values_list("pk", flat=True)[:BUILDS_AT_ONCE])
    _remove_files(Artifact.objects.filter(job__build__in=keys))
    _remove_files(Segment.objects.filter(step__job__build__in=keys))
    Build.objects.filter(pk__in=keys).delete()
    return len(keys)


def _remove_files(rows: QuerySet[Any]) -> None:
    """The file first, then the row: nobody reads them any more, and a file without a row would be left for ever."""
    while some := dict(rows.order_by("pk").values_list("pk", "storage_name")[:_FILES_AT_ONCE]):
        for name in filter(None, some.values()):
            _remove_file(name)
        rows.model._base_manager.filter(pk__in=list(some)).delete()


def _remove_file(name: str) -> None:
    try:
        default_storage.delete(name)
    except Exception as error:  # each storage has errors of its own
        raise _StorageError(f"{name}: {error}") from error


def _clear_organization(organization: Organization) -> bool:
    """Once its projects are gone."""
    if Project.every.filter(organization=organization).exists():
        return False
    try:
        _remove_files(Export.objects.filter(organization=organization))
    except _StorageError as error:
        log.warning("organization=%s is not deleted yet: %s", organization.uuid, error)
        return False
    organization.delete()
    log.info("organization=%s is deleted for good", organization.uuid)
    return True
