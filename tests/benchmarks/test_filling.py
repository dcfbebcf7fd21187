"""Rows by the hundred thousand: every model's columns, every index afterwards, and a queue that only looks like one."""

from __future__ import annotations

import pytest
from django.db import connection
from django.utils import timezone

from benchmarks.growth import fixtures as growth
from benchmarks.hosted import fixtures as hosted
from builds.models import Build, BuildMove, Job, JobMove, Segment, Step
from builds.services.claim import RunnerIdentity, claim
from builds.services.reap import reap
from builds.states import Status

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _only_postgres():
    if connection.vendor != "postgresql":
        pytest.skip("the measurements that need many rows run on PostgreSQL")


def indexes() -> set[tuple[str, str]]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT indexname, indexdef FROM pg_indexes WHERE tablename IN ('builds_build', 'builds_job')")
        return set(cursor.fetchall())


@pytest.fixture
def passed(project) -> Build:
    """A build with a row of every kind below it."""
    now = timezone.now()
    project.last_build_number = 1
    project.save(update_fields=["last_build_number"])
    build = Build.objects.create(project=project, number=1, status=Status.PASSED, commit="1f" * 20, finished_at=now)
    job = Job.objects.create(build=build, organization=project.organization, name="test", spec={}, status=Status.PASSED)
    step = Step.objects.create(job=job, attempt=1, path="0", position=0, name="echo hello", status=Status.PASSED)
    BuildMove.objects.create(build=build, went_to=Status.PASSED)
    JobMove.objects.create(job=job, went_to=Status.PASSED)
    sizes = {"first_byte": 0, "first_line": 0, "byte_count": 6, "line_breaks": 1}
    Segment.objects.create(step=step, number=0, frames=[], storage_name="a", **sizes)
    return build


def test_a_project_is_filled_and_has_every_index_afterwards():
    hosted.people()
    uuid = hosted.project("a million")["uuid"]
    before = indexes()
    assert hosted.fill(uuid, 60) == 60
    assert indexes() == before
    builds = Build.objects.filter(project__uuid=uuid)
    assert sorted(builds.values_list("number", flat=True)) == list(range(1, 61))
    assert Job.objects.filter(build__in=builds).values("build", "uuid").distinct().count() == 60


def test_history_copies_every_row_of_a_build_into_the_past(passed):
    assert growth.history(str(passed.project.uuid), 30) == 31
    assert [model.objects.count() for model in growth.TABLES] == [31] * len(growth.TABLES)
    assert Step.objects.values("job").distinct().count() == 31
    assert Build.objects.exclude(pk=passed.pk).filter(finished_at__gt=passed.created_at).count() == 0


def test_what_waits_for_another_team_stays_and_is_claimed_by_nobody(passed, owner):
    runner = RunnerIdentity(name="one")
    assert growth.queue(10) == 10
    assert growth.queue(25) == 25
    assert reap() == 0
    assert claim(runner) is None
    assert Job.objects.filter(status=Status.QUEUED, labels="").count() == 25
