"""Rows that the growth measurements need, made in the service's own process and settings: plain values in and out."""

from __future__ import annotations

import logging
import time

from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import Organization, User
from accounts.services.create_organization import create_organization
from benchmarks.filling import copy, copy_below, filling, long_ago
from builds.models import Build, BuildMove, Job, JobMove, Project, Segment, Step
from builds.services.claim import RunnerIdentity, claim
from builds.services.create_project import create_project
from builds.states import Status

URL = "https://git.example.com/shop/api.git"
CLAIMS = 100
TABLES = (Build, BuildMove, Job, JobMove, Step, Segment)


def history(project: str, count: int) -> int:
    """Give the project so many further builds, with all their rows, like its newest that passed."""
    pattern = Build.objects.filter(project__uuid=project, status=Status.PASSED).order_by("-pk").first()
    assert pattern is not None
    top = Project.objects.get(uuid=project).last_build_number
    Project.objects.filter(uuid=project).update(last_build_number=top + count)
    changed = {"number": f"{top} + n", "commit": "md5(n::text)"}
    with filling() as cursor:
        builds = copy(cursor, Build, pattern.pk, count, **{**long_ago(Build), **changed})
        for move in pattern.moves.all():
            copy_below(cursor, BuildMove, move.pk, Build, builds, **long_ago(BuildMove))
        for job in pattern.jobs.all():
            jobs = copy_below(cursor, Job, job.pk, Build, builds, **long_ago(Job))
            for job_move in job.moves.all():
                copy_below(cursor, JobMove, job_move.pk, Job, jobs, **long_ago(JobMove))
            for step in job.steps.all():
                steps = copy_below(cursor, Step, step.pk, Job, jobs, **long_ago(Step))
                for segment in step.segments.all():
                    copy_below(cursor, Segment, segment.pk, Step, steps, **long_ago(Segment))
    return Build.objects.count()


def queue(count: int) -> int:
    """Let so many jobs of another team wait that any runner might take, had the team not used up what it may run."""
    other = _other_team(concurrency=0)
    _wait(other, count - Job.objects.filter(organization=other, status=Status.QUEUED).count(), labels="")
    return Job.objects.filter(status=Status.QUEUED).count()


def claims(depth: int) -> dict[str, float]:
    """Milliseconds, our CPU's and statements of a claim by one process, with so many jobs waiting in one lane."""
    other = _other_team(concurrency=1_000_000)
    missing = depth + CLAIMS + 1 - Job.objects.filter(organization=other, status=Status.QUEUED).count()
    if missing > 0:
        _wait(other, missing, labels="growth")
    logging.disable(logging.CRITICAL)
    runner = RunnerIdentity(name="probe", labels=frozenset({"growth"}))
    with CaptureQueriesContext(connection) as caught:
        assert claim(runner) is not None
    began, cpu = time.perf_counter(), time.process_time()
    for _ in range(CLAIMS):
        assert claim(runner) is not None
    seconds, cpu = time.perf_counter() - began, time.process_time() - cpu
    Job.objects.filter(owner="probe").update(
        status=Status.CANCELLED, lease_expires_at=None, finished_at="2026-01-01T00:00:00Z"
    )
    return {"rate": CLAIMS / seconds, "cpu_ms": cpu / CLAIMS * 1000, "statements": len(caught)}


def sizes() -> dict[str, float]:
    """Bytes that a build has in each table with its indexes."""
    count = Build.objects.count()
    with connection.cursor() as cursor:
        found = {}
        for model in TABLES:
            cursor.execute("SELECT pg_total_relation_size(%s)", [model._meta.db_table])
            found[model._meta.db_table] = cursor.fetchone()[0] / count
    return found


def _other_team(*, concurrency: int) -> Organization:
    user = User.objects.get()
    other = Organization.objects.filter(name="Others").first() or create_organization("Others", user)
    other.concurrency = concurrency
    other.save()
    if not other.projects.exists():
        create_project(other, name="others/api", repository_url=URL, who=user)
    return other


def _wait(team: Organization, count: int, *, labels: str) -> None:
    """Further jobs of the team, with a build each, that any runner with the labels may take from now on."""
    if count <= 0:
        return
    project, spec = team.projects.get(), Job.objects.filter(kind="pipeline").values_list("spec", flat=True).first()
    top = project.last_build_number
    Project.objects.filter(pk=project.pk).update(last_build_number=top + count)
    build = Build.objects.create(
        project=project,
        number=top + 1,
        ref="refs/heads/main",
        branch="main",
        commit="1f" * 20,
        planned_at=timezone.now(),
    )
    job = Job.objects.create(build=build, organization=team, name="test", spec=spec, labels=labels)
    with filling() as cursor:
        builds = copy(cursor, Build, build.pk, count - 1, number=f"{top + 1} + n")
        copy_below(cursor, Job, job.pk, Build, builds)
