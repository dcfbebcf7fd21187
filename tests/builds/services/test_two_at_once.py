"""What must hold when two people act at the same moment, and when nobody lives to finish a deletion."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import connections

from accounts.models import Membership, Role
from accounts.services.members import change_role, remove_member
from accounts.services.roles import RefusedError
from builds.models import Artifact, Build, Job, Project
from builds.services import clear_away as clearing
from builds.services.clear_away import clear_away
from builds.services.delete_project import delete_project

pytestmark = pytest.mark.django_db(transaction=True)


def leave(membership):
    remove_member(membership, by=membership.user)


def step_down(membership):
    change_role(membership, Role.CONTRIBUTOR, by=membership.user)


@pytest.mark.parametrize("act", [leave, step_down])
def test_of_two_last_owners_one_stays(act, organization, owner, make_user):
    make_user("second@example.com", organization, Role.OWNER)
    together = threading.Barrier(2)

    def at_once(membership):
        together.wait(10)
        try:
            act(membership)
        except RefusedError:
            return "refused"
        finally:
            connections.close_all()
        return "done"

    owners = list(
        Membership.objects.filter(organization=organization, role=Role.OWNER).select_related("user", "organization")
    )
    with ThreadPoolExecutor(2) as threads:
        assert sorted(threads.map(at_once, owners)) == ["done", "refused"]
    assert Membership.objects.filter(organization=organization, role=Role.OWNER).count() == 1


@pytest.mark.parametrize("files", [0, 1, 2])
def test_a_deletion_that_was_killed_is_ended_by_the_next(files, project, owner, make_build, organization, monkeypatch):
    names = []
    for number in range(3):
        job = Job.objects.create(build=make_build(status="passed"), organization=organization, name="test", spec={})
        names.append(default_storage.save(f"artifacts/{number}.xml", ContentFile(b"<ok/>")))
        Artifact.objects.create(job=job, path="report.xml", size=5, sha256="0" * 64, storage_name=names[-1])
    delete_project(project, by=owner)
    remove, removed = clearing._remove_file, []

    def killed_after_some(name):
        if len(removed) == files:
            raise KeyboardInterrupt
        removed.append(name)
        remove(name)

    monkeypatch.setattr(clearing, "_remove_file", killed_after_some)
    with pytest.raises(KeyboardInterrupt):
        clear_away()
    assert Project.every.filter(pk=project.pk).exists()
    monkeypatch.undo()
    while Project.every.filter(pk=project.pk).exists():
        clear_away()
    assert not Build.objects.exists()
    assert [default_storage.exists(name) for name in names] == [False] * 3
