"""How a project's builds went: how long they waited and ran, how many passed, which tests and pipelines cost the most."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count, Max

from builds.models import BadCase, Build, Job
from builds.models.job import JobKind
from builds.services.reported import base_name
from builds.states import FINAL, Status

MOST_BUILDS = 5000  # the newest of the days asked for
_MOST_NAMED = 20


@dataclass(frozen=True)
class Spread:
    """Lengths of time, in seconds; None where there are none."""

    count: int
    p50: float | None
    p95: float | None


@dataclass(frozen=True)
class PipelineTimes:
    """How long the jobs of one pipeline ran, and how they ended."""

    name: str
    runs: int
    failed: int
    took: Spread


@dataclass(frozen=True)
class Case:
    """A test that did not always pass."""

    name: str
    file: str
    pipeline: str
    times: int
    last_at: datetime


@dataclass(frozen=True)
class Insights:
    """What came of the builds that ended since `since`."""

    since: datetime
    builds: int
    by_state: dict[str, int]
    success_rate: float | None  # of those that passed or failed, 0 to 1
    took: Spread
    waited: Spread
    pipelines: list[PipelineTimes]
    flaky: list[Case]
    failing: list[Case]


def insights(project_id: int, *, since: datetime, branch: str = "") -> Insights:
    """Of builds that were asked for since then; "" = of every branch. Four queries."""
    builds = Build.objects.filter(project_id=project_id, created_at__gte=since, status__in=FINAL)
    if branch:
        builds = builds.of_branch(branch)
    rows = list(
        builds.order_by("-number").values_list("pk", "status", "created_at", "started_at", "finished_at")[:MOST_BUILDS]
    )
    by_state: defaultdict[str, int] = defaultdict(int)
    for _, status, *_rest in rows:
        by_state[status] += 1
    decided = by_state[Status.PASSED] + by_state[Status.FAILED]
    return Insights(
        since=since,
        builds=len(rows),
        by_state={status: count for status, count in by_state.items() if count},
        success_rate=by_state[Status.PASSED] / decided if decided else None,
        took=spread(end - start for _, _, _, start, end in rows if start and end),
        waited=spread(start - asked for _, _, asked, start, _ in rows if start),
        pipelines=_pipelines(project_id, since, branch),
        flaky=_cases(project_id, since, branch, is_flaky=True),
        failing=_cases(project_id, since, branch, is_flaky=False),
    )


def spread(times: Iterable[timedelta]) -> Spread:
    """Median and 95th percentile, each a time that there was."""
    seconds = sorted(max(time.total_seconds(), 0.0) for time in times)
    return Spread(len(seconds), _nearest(seconds, 0.5), _nearest(seconds, 0.95))


def _nearest(seconds: Sequence[float], share: float) -> float | None:
    return round(seconds[math.ceil(share * len(seconds)) - 1], 3) if seconds else None


def _pipelines(project_id: int, since: datetime, branch: str) -> list[PipelineTimes]:
    """Those that take the longest first; copies of one pipeline count as one."""
    jobs = Job.objects.filter(build__project_id=project_id, build__created_at__gte=since, kind=JobKind.PIPELINE)
    jobs = jobs.filter(started_at__isnull=False, finished_at__isnull=False)
    if branch:
        jobs = jobs.filter(build__branch=branch)
    times: defaultdict[str, list[timedelta]] = defaultdict(list)
    failed: defaultdict[str, int] = defaultdict(int)
    columns = ("name", "status", "started_at", "finished_at")
    for name, status, start, end in jobs.order_by("-id").values_list(*columns)[: MOST_BUILDS * 2]:
        times[base_name(name)].append(end - start)
        failed[base_name(name)] += status == Status.FAILED
    found = [PipelineTimes(name, len(took), failed[name], spread(took)) for name, took in times.items()]
    return sorted(found, key=lambda one: -(one.took.p50 or 0))[:_MOST_NAMED]


def _cases(project_id: int, since: datetime, branch: str, *, is_flaky: bool) -> list[Case]:
    """Those that it happened to most often first."""
    cases = BadCase.objects.filter(tally__project_id=project_id, tally__created_at__gte=since)
    cases = cases.filter(is_flaky=True) if is_flaky else cases.filter(is_flaky=False, passed=False)
    if branch:
        cases = cases.filter(tally__job__build__branch=branch)
    grouped = cases.values("name", "file", "tally__pipeline").annotate(times=Count("id"), last=Max("tally__created_at"))
    rows = grouped.order_by("-times", "name").values_list("name", "file", "tally__pipeline", "times", "last")
    return [Case(*row) for row in rows[:_MOST_NAMED]]
