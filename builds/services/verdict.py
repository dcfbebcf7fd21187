"""What came of a build, as one sentence: the page's heading, and what messages say."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta

from django.db.models import F, QuerySet
from django.utils import timezone

from builds.models import Build, Step
from builds.models.job import JobKind
from builds.states import BROKEN, Status
from builds.words import duration
from runners.contract import Failure


@dataclass(frozen=True)
class Verdict:
    """`headline` — `subject` `predicate`: "Failed in 2m 14s" — "unit" "exited 1". Any but the headline may be empty."""

    headline: str
    subject: str = ""
    predicate: str = ""
    step: Step | None = None

    def __str__(self) -> str:
        tail = " ".join(part for part in (self.subject, self.predicate) if part)
        return f"{self.headline}: {tail}" if tail else self.headline


def newest_steps(build: Build) -> QuerySet[Step]:
    """The steps of its pipelines' newest attempts, in the order of reading."""
    steps = Step.objects.filter(job__build=build, job__kind=JobKind.PIPELINE, attempt=F("job__attempt"))
    steps = steps.select_related("job").defer("job__spec", "job__variables")
    return steps.order_by("job__position", "job_id", "position")


def verdict(build: Build, steps: Iterable[Step], *, tests: int = 0) -> Verdict:
    """The sentence for `build`; `steps` are those of its jobs' newest attempts, in the order of reading.

    `tests`: how many cases its reports say failed.
    """
    runs = [step for step in steps if not step.is_group and not _is_allowed(step)]
    took = duration(time_taken(build))
    status = Status(build.status)
    if status == Status.RUNNING:
        return _running(runs)
    if status in BROKEN:
        return _broken(build, runs, took, tests)
    headline = {
        Status.QUEUED: "Waiting",
        Status.WAITING: "Waiting for approval",
        Status.PASSED: f"Passed in {took}" if took else "Passed",
        Status.CANCELLED: f"Cancelled after {took}" if took else "Cancelled before it began",
        Status.SKIPPED: "Skipped",
    }[status]
    return Verdict(headline, predicate="" if status == Status.PASSED else build.reason)


def _is_allowed(step: Step) -> bool:
    """Whether it failed in a pipeline that may: then it is not what is to blame."""
    return step.status == Status.FAILED and step.job.may_fail


def time_taken(build: Build) -> timedelta | None:
    """From the first job's start to the end, or to now; None before the start."""
    if build.started_at is None:
        return None
    return (build.finished_at or timezone.now()) - build.started_at


def _running(runs: list[Step]) -> Verdict:
    busy = [step for step in runs if step.status == Status.RUNNING]
    failed = next((step for step in runs if step.status in BROKEN), None)
    if failed is not None:
        return Verdict("Running", failed.name, f"{_how(failed)} already", failed)
    if not busy:
        return Verdict("Running")
    more = f"and {len(busy) - 1} more" if len(busy) > 1 else ""
    return Verdict("Running", busy[0].name, more, busy[0])


def _broken(build: Build, runs: list[Step], took: str, tests: int) -> Verdict:
    word = "Failed" if build.status == Status.FAILED else "Errored on our side"
    headline = f"{word} in {took}" if took else word
    guilty = [step for step in runs if step.status == build.status]
    if not guilty:
        return Verdict(headline, predicate=build.reason)
    cases = f", {tests} test{'' if tests == 1 else 's'}" if tests and build.status == Status.FAILED else ""
    more = f", and {len(guilty) - 1} more" if len(guilty) > 1 else ""
    return Verdict(headline, guilty[0].name, _how(guilty[0]) + cases + more, guilty[0])


def _how(step: Step) -> str:
    """ "exited 1", or why there was no exit of its own."""
    if step.failure in {"", Failure.EXIT_CODE} and step.exit_code is not None:
        return f"exited {step.exit_code}"
    return {
        Failure.OUT_OF_MEMORY.value: "ran out of memory",
        Failure.TIMED_OUT.value: "ran out of time",
        Failure.SILENT.value: "was silent for too long",
        Failure.RUNNER_LOST.value: "lost its runner",
    }.get(step.failure, f"could not run: {step.reason}" if step.reason else "broke")
