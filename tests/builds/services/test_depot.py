"""Artifacts and caches in rows and storage: who sees which, and that a ghost keeps nothing."""

from __future__ import annotations

import io
from datetime import timedelta

import pytest
from django.core.files.storage import default_storage
from django.db.models.functions import Now

from builds.models import Artifact, Cache, Job
from builds.services.depot import JobDepot
from builds.services.fence import LostLease
from builds.services.prune_files import prune_files
from runners.errors import RunnerError
from tests.builds.queue import add_job, claim_now

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("invariants_hold")]


@pytest.fixture(autouse=True)
def _storage_of_its_own(settings, tmp_path):
    settings.STORAGES = {
        **settings.STORAGES,
        "default": {
            "BACKEND": "django.core.files.storage.FileSystemStorage",
            "OPTIONS": {"location": str(tmp_path / "storage")},
        },
    }


@pytest.fixture
def depot_of(make_build):
    """The depot of a job that runs, of a build with these fields."""

    def make(needs=(), **fields):
        add_job(make_build(**fields))
        return JobDepot(claim_now(), needs)

    return make


def stored() -> int:
    def count(folder: str) -> int:
        folders, files = default_storage.listdir(folder)
        return len(files) + sum(count(f"{folder}/{one}".lstrip("/")) for one in folders)

    return count("") if default_storage.exists("") else 0


def restored(depot, key, *alike):
    found = depot.restore(key, alike)
    if found is None:
        return None
    name, opened = found
    with opened as file:
        return name, file.read()


def test_an_artifact_takes_the_place_of_an_earlier_attempts(depot_of):
    depot = depot_of()
    for data in (b"one", b"other"):
        depot.keep("dist/a.whl", io.BytesIO(data))
    (artifact,) = Artifact.objects.all()
    assert (artifact.path, artifact.size, stored()) == ("dist/a.whl", 5, 1)
    assert artifact.sha256 == "d9298a10d1b0735837dc4bd85dac641b0f3cef27a47e5d53a54f2f3f5b2fcffa"


def test_a_ghost_keeps_nothing(depot_of):
    depot = depot_of()
    Job.objects.update(epoch=9)
    for keep in (lambda: depot.keep("a", io.BytesIO(b"x")), lambda: depot.save("k", io.BytesIO(b"x"))):
        with pytest.raises(LostLease):
            keep()
    assert (Artifact.objects.count(), Cache.objects.count(), stored()) == (0, 0, 0)


@pytest.mark.parametrize("path", ["a\0b", "x" * 1001])
def test_a_name_that_cannot_be_kept_is_said(depot_of, path):
    with pytest.raises(RunnerError, match="no name"):
        depot_of().keep(path, io.BytesIO(b"x"))


def test_the_pipelines_that_are_needed(make_build):
    build = make_build()
    for _ in range(2):
        add_job(build)
    first, second = claim_now(), claim_now()
    Job.objects.filter(pk=first.job_id).update(name="build")
    JobDepot(first).keep("dist/x", io.BytesIO(b"bytes"))
    assert list(JobDepot(second).needed()) == []
    ((path, opened),) = JobDepot(second, ["build"]).needed()
    with opened as file:
        assert (path, file.read()) == ("dist/x", b"bytes")


def test_a_branch_sees_its_own_caches_and_the_default_branchs(depot_of):
    main, topic, other = depot_of(), depot_of(branch="topic"), depot_of(branch="other")
    main.save("pip-1", io.BytesIO(b"main 1"))
    topic.save("pip-2", io.BytesIO(b"topic 2"))
    assert restored(topic, "pip-1") == ("pip-1", b"main 1")
    assert restored(other, "pip-2") is None
    assert restored(main, "pip-2") is None
    assert restored(other, "pip-2", "pip-") == ("pip-1", b"main 1")
    assert restored(topic, "pip-3", "pip-") == ("pip-2", b"topic 2")
    topic.save("pip-1", io.BytesIO(b"topic 1"))
    assert restored(topic, "pip-1") == ("pip-1", b"topic 1")
    assert restored(main, "pip-1") == ("pip-1", b"main 1")
    assert (main.has("pip-1"), main.has("pip-2")) == (True, False)


def test_a_strangers_fork_plants_no_cache(depot_of):
    fork = depot_of(from_fork=True)
    assert fork.has("anything")
    fork.save("k", io.BytesIO(b"x"))
    assert Cache.objects.count() == 0


def test_what_was_not_used_for_longest_makes_room(depot_of, settings):
    settings.CACHE_BYTES = 10
    depot = depot_of()
    for key in "abc":
        depot.save(key, io.BytesIO(b"1234"))
        depot.restore("a", ())
    assert sorted(Cache.objects.values_list("key", flat=True)) == ["a", "c"]
    assert stored() == 2


def test_old_files_are_forgotten(depot_of):
    depot = depot_of()
    depot.keep("old", io.BytesIO(b"x"))
    depot.save("old", io.BytesIO(b"x"))
    Artifact.objects.update(created_at=Now() - timedelta(days=31))
    Cache.objects.update(used_at=Now() - timedelta(days=15))
    depot.keep("new", io.BytesIO(b"x"))
    assert prune_files() == 2
    assert (Artifact.objects.get().path, stored()) == ("new", 1)
