"""Rows that the growth measurements need, made in the service's own process and settings: plain values in and out."""

from __future__ import annotations

import logging
import time
from typing import Any

from django.db import connection
from django.db.models import DateTimeField, Model
from django.test.utils import CaptureQueriesContext

from accounts.models import Organization, User
from accounts.services.create_organization import create_organization
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
    with connection.cursor() as cursor:
        cursor.execute("SET statement_timeout = 0")
        cursor.execute("SELECT max(id) FROM builds_build")
        first = cursor.fetchone()[0] + 1
        top = Project.objects.get(uuid=project).last_build_number
        changed = {"number": f"{top} + n", "uuid": "gen_random_uuid()", "commit": "md5(n::text)"}
        _copy(cursor, Build, pattern.pk, count, **_long_ago(Build), **changed)
        Project.objects.filter(uuid=project).update(last_build_number=top + count)
        cursor.execute("SELECT id FROM builds_build WHERE id >= %s ORDER BY id LIMIT 1", [first])
        for move in BuildMove.objects.filter(build=pattern):
            _copy_below(cursor, BuildMove, move.pk, "build_id", "builds_build", first)
        for job in pattern.jobs.all():
            cursor.execute("SELECT max(id) FROM builds_job")
            first_job = cursor.fetchone()[0] + 1
            _copy_below(cursor, Job, job.pk, "build_id", "builds_build", first)
            for below in (*job.moves.all(), *job.steps.all()):
                _copy_below(cursor, type(below), below.pk, "job_id", "builds_job", first_job)
        cursor.execute("VACUUM ANALYZE")
    return Build.objects.count()


def queue(count: int) -> int:
    """Let so many jobs of another team wait, which has used up what it may run at one time."""
    other = _other_team(concurrency=0)
    _wait(other, count - Job.objects.filter(organization=other, status=Status.QUEUED).count())
    return Job.objects.filter(status=Status.QUEUED).count()


def claims(depth: int) -> dict[str, float]:
    """Milliseconds, our CPU's and statements of a claim by one process, with so many jobs waiting in one lane."""
    other = _other_team(concurrency=1_000_000)
    missing = depth + CLAIMS + 1 - Job.objects.filter(organization=other, status=Status.QUEUED).count()
    if missing > 0:
        _wait(other, missing)
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


def forget_queue() -> int:
    """Take away what waits for the other team."""
    return Build.objects.filter(project__organization__name="Others").delete()[0]


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


def _wait(team: Organization, count: int) -> None:
    """Further jobs of the team, with a build each, that any runner with the label may take."""
    if count <= 0:
        return
    project, spec = team.projects.get(), Job.objects.filter(kind="pipeline").values_list("spec", flat=True).first()
    top = project.last_build_number
    Project.objects.filter(pk=project.pk).update(last_build_number=top + count)
    build = Build.objects.create(
        project=project, number=top + 1, ref="refs/heads/main", branch="main", commit="1f" * 20
    )
    Build.objects.filter(pk=build.pk).update(planned_at="2026-01-01T00:00:00Z")
    job = Job.objects.create(build=build, organization=team, name="test", spec=spec, labels="growth")
    with connection.cursor() as cursor:
        cursor.execute("SET statement_timeout = 0")
        cursor.execute("SELECT max(id) FROM builds_build")
        first = cursor.fetchone()[0] + 1
        _copy(cursor, Build, build.pk, count - 1, number=f"{top + 1} + n", uuid="gen_random_uuid()")
        _copy_below(cursor, Job, job.pk, "build_id", "builds_build", first)
        cursor.execute("VACUUM ANALYZE")


def _long_ago(model: type[Model]) -> dict[str, str]:
    """Its times, some weeks earlier: what ended just now is looked at by sweeps, and history is not."""
    times = [field.column for field in model._meta.concrete_fields if isinstance(field, DateTimeField)]
    return {name: f"c.\"{name}\" - interval '40 days'" for name in times}


def _columns(model: type[Model]) -> list[str]:
    return [field.column for field in model._meta.concrete_fields if not field.primary_key]


def _copy(cursor: Any, model: type[Model], pk: int, count: int, **changed: str) -> None:
    """`count` copies of a row; `n` counts them from 1."""
    names, table = _columns(model), model._meta.db_table
    chosen = ", ".join(changed.get(name, f'c."{name}"') for name in names)
    quoted = ", ".join(f'"{name}"' for name in names)
    cursor.execute(
        f"INSERT INTO {table} ({quoted}) SELECT {chosen} FROM {table} c, generate_series(1, %s) n WHERE c.id = %s",
        [count, pk],
    )


def _copy_below(cursor: Any, model: type[Model], pk: int, parent: str, parents: str, first: int) -> None:
    """A copy of a row for each row of `parents` from the id `first` on."""
    names, table = _columns(model), model._meta.db_table
    changed = {**_long_ago(model), "uuid": "gen_random_uuid()", parent: "p.id"}
    chosen = ", ".join(changed.get(name, f'c."{name}"') for name in names)
    quoted = ", ".join(f'"{name}"' for name in names)
    cursor.execute(
        f"INSERT INTO {table} ({quoted}) SELECT {chosen} FROM {parents} p, {table} c WHERE p.id >= %s AND c.id = %s",
        [first, pk],
    )
