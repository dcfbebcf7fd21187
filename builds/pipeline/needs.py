"""The order of pipelines, and how often each is tried: `needs` and `retry`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TypedDict

from builds.pipeline.keys import RETRY
from builds.pipeline.nodes import Mapping as MappingNode
from builds.pipeline.report import Report, clean
from builds.pipeline.section import Section
from runners.contract import PipelineSpec

MAX_RETRIES = 10


class Retry(TypedDict):
    """How often a pipeline is tried, as fields of its spec."""

    retries: int
    attempts: int | None


def read_retry(section: Section) -> Retry:
    """`retry`: a number means our side's failures; those of its own commands are tried again only by `failed`."""
    entry = section.entry("retry")
    if entry is None:
        return Retry(retries=0, attempts=None)
    if not isinstance(entry.node, MappingNode):
        errored = section.number("retry", MAX_RETRIES)
        return Retry(retries=0, attempts=None if errored is None else errored + 1)
    inner = Section(entry.node, RETRY, section.report, strict=True)
    errored = inner.number("errored", MAX_RETRIES)
    return Retry(retries=inner.number("failed", MAX_RETRIES) or 0, attempts=None if errored is None else errored + 1)


def with_needs(copies: Mapping[str, list[PipelineSpec]], report: Report) -> list[PipelineSpec]:
    """All pipelines, with the names of the jobs that each needs; errors for needs that cannot be met.

    `copies`: the jobs that each pipeline of the file comes to for this push. One that comes to none is not waited for.
    """
    wanted = {name: jobs[0].needs for name, jobs in copies.items() if jobs}
    for name, needs in wanted.items():
        for other in needs:
            if other not in copies:
                text = f"`{clean(name, 80)}` needs `{clean(other, 80)}`, which does not exist"
                report.error(f"{text}: {report.did_you_mean(other, copies)}", key="needs")
        if _leads_back(name, wanted):
            report.error(f"`{clean(name, 80)}` needs itself, by way of what it needs", key="needs")
    return [
        replace(job, needs=tuple(one.name for other in job.needs for one in copies.get(other, [])))
        for jobs in copies.values()
        for job in jobs
    ]


def _leads_back(name: str, wanted: Mapping[str, tuple[str, ...]]) -> bool:
    seen: set[str] = set()
    ahead = list(wanted[name])
    while ahead:
        other = ahead.pop()
        if other == name:
            return True
        if other not in seen:
            seen.add(other)
            ahead.extend(wanted.get(other, ()))
    return False
