"""How a release goes out, as ciservice.yml has it: `verify`, `canary`, `bake`, `rollback`, `irreversible`, `url`."""

from __future__ import annotations

import re
from itertools import pairwise

from builds.pipeline.delivery import Probe, Rollback, Rollout
from builds.pipeline.irreversible import read_irreversible
from builds.pipeline.keys import ROLLBACK
from builds.pipeline.nodes import Mapping
from builds.pipeline.plan import PlanContext
from builds.pipeline.report import clean
from builds.pipeline.section import Section
from builds.pipeline.spans import read_span
from builds.pipeline.verify import ReadJob, read_verify
from builds.pipeline.web_address import what_is_wrong

MAX_STAGES = 20
_PERCENT = re.compile(r"(\d{1,3}(?:\.\d{1,2})?) ?%")


def read_rollout(section: Section, context: PlanContext, read_job: ReadJob) -> Rollout:
    """The way of one release to one entry under `deployments`."""
    probes, checks = read_verify(section, read_job)
    percents = _percents(section)
    looks = bool(probes or checks)
    _check_what_needs_another(section, probes, looks=looks)
    return Rollout(
        percents=percents,
        bake_seconds=read_span(section, "bake", usual=0),
        probes=probes,
        checks=checks,
        rollback=_rollback(section, read_job, usual=looks or bool(percents)),
        irreversible=read_irreversible(section, context),
        url=_url(section),
    )


def _percents(section: Section) -> tuple[float, ...]:
    if not section.has("canary"):
        return ()
    texts, place = section.texts("canary"), section.entry("canary")
    found = [_PERCENT.fullmatch(text.strip()) for text in texts]
    percents = tuple(float(part[1]) for part in found if part)
    wrong = [text for text, part in zip(texts, found, strict=True) if not part or not 0 < float(part[1]) < 100]
    if wrong:
        text = f"`canary` needs shares between 0% and 100%, such as [1%, 10%, 50%], not `{clean(wrong[0], 80)}`"
        text += ": the whole comes after them by itself" if wrong[0].strip() == "100%" else ""
        section.report.error(text, place)
    elif not 0 < len(percents) <= MAX_STAGES:
        section.report.error(f"`canary` needs 1 to {MAX_STAGES} shares, such as [1%, 10%, 50%]", place)
    elif any(later <= earlier for earlier, later in pairwise(percents)):
        section.report.error("the shares of `canary` have to rise, such as [1%, 10%, 50%]", place)
    return percents


def _check_what_needs_another(section: Section, probes: tuple[Probe, ...], *, looks: bool) -> None:
    """Errors for keys that would do nothing."""
    if section.has("watch") and not probes:
        text = "`watch` has nothing to look at: give `verify` an address, such as https://example.com/health"
        section.report.error(text, section.entry("watch"))
    if section.has("bake") and not looks and not section.has("canary"):
        text = "`bake` would wait and look at nothing: add `verify`, or take `bake` out"
        section.report.error(text, section.entry("bake"))


def _rollback(section: Section, read_job: ReadJob, *, usual: bool) -> Rollback:
    entry = section.entry("rollback")
    if entry is None or not section.has("rollback"):
        return Rollback(automatic=usual)
    if not isinstance(entry.node, Mapping):
        word = section.text("rollback")
        if word and word not in ("auto", "manual"):
            text = f"`rollback` is `auto`, `manual`, or a map with automatic and steps, not `{clean(word, 80)}`"
            section.report.error(text, entry)
        return Rollback(automatic=word == "auto")
    inner = Section(entry.node, ROLLBACK, section.report, strict=True)
    steps = inner.entry("steps")
    return Rollback(
        automatic=inner.flag("automatic") if inner.has("automatic") else usual,
        pipeline=read_job(steps, deploys=True) if steps else None,
    )


def _url(section: Section) -> str:
    url = section.text("url")
    if url and (wrong := what_is_wrong(url)):
        section.report.error(f"`url`: {wrong}", section.entry("url"))
    return url
