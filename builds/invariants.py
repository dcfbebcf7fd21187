"""What must hold of the rows at every moment between two transactions; each sentence found is a bug of ours."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from django.db.models import F, Q, QuerySet

from builds.models import Build, Job, Segment, Step
from builds.states import FINAL, Status, as_counted, of_jobs

_SHOWN = 20


def check_invariants() -> list[str]:
    """Every violation as a sentence; none = all is well. Reads every row: for tests and for a worried operator."""
    found: list[str] = []
    for what, rows in _forbidden():
        found += [f"{what}: {row._meta.model_name} {row.pk} ({row.uuid})" for row in rows[:_SHOWN]]
    return [*found, *_builds_that_do_not_follow(), *_torn_logs()]


def _forbidden() -> Iterator[tuple[str, QuerySet[Job] | QuerySet[Build] | QuerySet[Step]]]:
    owned = Job.objects.filter(status=Status.RUNNING)
    ended = Job.objects.filter(status__in=FINAL)
    yield "owned job without a lease", owned.filter(Q(lease_expires_at=None) | Q(owner=""))
    yield "owned job without a deadline", owned.filter(deadline_at=None)
    yield "ended job with a lease", ended.filter(lease_expires_at__isnull=False)
    yield "ended job without an end", ended.filter(finished_at=None)
    yield "waiting job with a lease", Job.objects.filter(status=Status.QUEUED, lease_expires_at__isnull=False)
    blocked = Job.objects.pipelines().filter(status=Status.BLOCKED).values("build")
    movable = Job.objects.pipelines().unfinished().exclude(status=Status.BLOCKED).values("build")
    yield "build that nothing can move", Build.objects.filter(pk__in=blocked).exclude(pk__in=movable)
    yield "job with more attempts than allowed", Job.objects.filter(attempt__gt=F("max_attempts"))
    yield "job with fewer epochs than attempts", Job.objects.filter(epoch__lt=F("attempt"))
    open_steps = Step.objects.exclude(status__in=FINAL)
    yield "open step of a job that does not run", open_steps.exclude(job__status=Status.RUNNING)
    yield "open step of an attempt that is over", open_steps.exclude(attempt=F("job__attempt"))
    yield "running step that never began", Step.objects.filter(status=Status.RUNNING, started_at=None)
    yield "ended build without an end", Build.objects.filter(status__in=FINAL, finished_at=None)
    unfinished = Job.objects.pipelines().unfinished().values("build")
    yield "ended build with an open pipeline", Build.objects.filter(status__in=FINAL, pk__in=unfinished)


def _builds_that_do_not_follow() -> Iterator[str]:
    states: dict[int, list[str]] = {}
    for build_id, status, may_fail in Job.objects.pipelines().values_list("build_id", "status", "may_fail"):
        states.setdefault(build_id, []).append(as_counted(status, may_fail=may_fail))
    for build in Build.objects.filter(pk__in=states).iterator():
        due = of_jobs(states[build.pk])
        if build.status != due:
            yield f"build {build.pk} is {build.status}, its jobs say {due}"


def _torn_logs() -> Iterator[str]:
    segments = Segment.objects.order_by("step", "number").values_list("step", "number", "first_byte", "byte_count")
    step, next_number, next_byte = 0, 0, 0
    for of_step, number, first_byte, byte_count in segments.iterator():
        if of_step != step:
            step, next_number, next_byte = of_step, 0, 0
        if number != next_number or first_byte < next_byte:
            yield f"the log of step {step} is torn at segment {number}, byte {first_byte}"
        next_number, next_byte = number + 1, first_byte + byte_count


def report(found: Iterable[str]) -> str:
    """For people: one line each."""
    return "\n".join(found) or "Every invariant holds."
