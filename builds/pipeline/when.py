"""`when` of ciservice.yml: the pushes that a pipeline or a step is for."""

from __future__ import annotations

from collections.abc import Sequence

from builds.pipeline.keys import WHEN
from builds.pipeline.match import PatternError, branch_rule
from builds.pipeline.nodes import Mapping
from builds.pipeline.plan import PlanContext
from builds.pipeline.report import clean
from builds.pipeline.section import Section

EVENTS = ("push", "tag", "pull_request", "manual", "schedule")


def why_not(section: Section, context: PlanContext) -> str:
    """One phrase such as "only for tag v*"; "" = it runs. Every key has to fit, and of a key one of its values."""
    entry = section.entry("when")
    if entry is None:
        return ""
    if not isinstance(entry.node, Mapping):
        section.report.error("`when` needs a map with branch, tag, event or paths", entry)
        return ""
    when = Section(entry.node, WHEN, section.report, strict=True)
    _check_events(when)
    missing = [key for key in ("branch", "tag", "event", "paths") if when.has(key) and not _fits(when, key, context)]
    return f"only for {missing[0]} {clean(', '.join(when.texts(missing[0])), 100)}" if missing else ""


def _check_events(when: Section) -> None:
    for event in when.texts("event"):
        if event not in EVENTS:
            text = f"the event `{clean(event, 80)}` is not known: {when.report.did_you_mean(event, EVENTS)}"
            when.report.error(text, when.entry("event"))


def _fits(when: Section, key: str, context: PlanContext) -> bool:
    wanted = when.texts(key)
    if key == "event":
        return context.event in wanted
    if key == "branch":
        return bool(fitting(when, key, [] if context.is_tag else [context.branch]))
    if key == "tag":
        return bool(fitting(when, key, [context.tag or context.branch] if context.is_tag else []))
    # Where it is not known what changed, everything may have.
    changed = fitting(when, key, context.changed or ())
    return context.changed is None or bool(changed)


def fitting(section: Section, key: str, names: Sequence[str]) -> set[str]:
    """The names that the patterns under `key` fit; one with `!` in front takes back what those before it took."""
    taken: set[str] = set()
    for pattern in section.texts(key):
        try:
            rule = branch_rule(pattern.removeprefix("!").strip())
        except PatternError as error:
            section.report.error(f"`{key}`: {error}", section.entry(key))
            continue
        found = {name for name in names if rule(name)}
        taken = taken - found if pattern.startswith("!") else taken | found
    return taken
