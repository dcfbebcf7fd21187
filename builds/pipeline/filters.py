"""Why a step is left out of a push: `tag` and `exclude` as CodeShip has them, and `branch` of ciservice.yml."""

from __future__ import annotations

from builds.pipeline.match import PatternError, branch_matches, codeship_matches
from builds.pipeline.plan import PlanContext
from builds.pipeline.report import clean
from builds.pipeline.section import Section


def why_skipped(section: Section, context: PlanContext) -> str:
    """One phrase such as "only for master"; "" = it runs. `exclude` wins over `tag`."""
    exclude, tag = section.text("exclude"), section.text("tag")
    name = context.branch if context.tag is None else context.tag
    if exclude and name and codeship_matches(exclude, name):
        return f"not for {clean(exclude, 100)}"
    if tag and not (name and codeship_matches(tag, name)):
        return f"only for {clean(tag, 100)}"
    if section.has("branch") and not applies_to_branch(section, context):
        return f"only for branch {clean(', '.join(section.texts('branch')), 100)}"
    return ""


def applies_to_branch(section: Section, context: PlanContext) -> bool:
    """Whether one of the patterns under `branch` matches. A tag is no branch, whatever its name."""
    return _one_matches(section, "branch", context.branch) and not context.is_tag


def applies_to_tag(section: Section, context: PlanContext) -> bool:
    """Whether one of the patterns under a deployment's `tag` matches the name of the tag that was pushed."""
    return _one_matches(section, "tag", context.tag or context.branch) and context.is_tag


def _one_matches(section: Section, key: str, name: str) -> bool:
    found = False
    for pattern in section.texts(key):
        try:
            found = branch_matches(pattern.strip(), name) or found
        except PatternError as error:
            section.report.error(f"`{key}`: {error}", section.entry(key))
    return found
