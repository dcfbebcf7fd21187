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
    found = False
    for pattern in section.texts("branch"):
        try:
            found = branch_matches(pattern.strip(), context.branch) or found
        except PatternError as error:
            section.report.error(f"`branch`: {error}", section.entry("branch"))
    return found and not context.is_tag
