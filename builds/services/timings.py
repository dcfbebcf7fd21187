"""How long each file of tests took when it last passed: a plan gets it, so that every copy and every retry splits alike."""

from __future__ import annotations

from dataclasses import replace

from builds.models import Build, Tally
from builds.pipeline.plan import Plan
from builds.services.reported import base_name
from builds.states import Status
from runners.contract import PipelineSpec, SplitSpec

_MOST_REPORTS = 50  # as many as a pipeline has copies
MOST_TIMED = 2000  # files; those that take the longest decide


def with_timings(plan: Plan, build: Build) -> Plan:
    """The plan with the seconds that its splits go by."""
    wanted = {base_name(one.name) for one in plan.pipelines if one.split}
    if not wanted:
        return plan
    known = {name: _seconds(build, name) for name in wanted}
    return replace(plan, pipelines=tuple(_timed(one, known.get(base_name(one.name), {})) for one in plan.pipelines))


def _timed(spec: PipelineSpec, seconds: dict[str, float]) -> PipelineSpec:
    split: SplitSpec | None = spec.split
    return spec if split is None else replace(spec, split=replace(split, seconds=seconds))


def _seconds(build: Build, pipeline: str) -> dict[str, float]:
    """By the newest reports of jobs that passed, on the build's branch or the default branch; a fork's do not count."""
    branches = {build.branch, build.project.default_branch}
    rows = Tally.objects.filter(
        project=build.project_id,
        pipeline=pipeline,
        job__status=Status.PASSED,
        job__build__branch__in=branches,
        job__build__from_fork=False,
    )
    found: dict[str, float] = {}
    for seconds_of in rows.order_by("-pk").values_list("seconds_of", flat=True)[:_MOST_REPORTS]:
        found = {**seconds_of, **found}
    longest = sorted(found.items(), key=lambda one: (-one[1], one[0]))[:MOST_TIMED]
    return dict(sorted(longest))
