"""When a push deploys: the `branch` and `after` of the environments in ciservice.yml."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from builds.pipeline.filters import applies_to_branch
from builds.pipeline.nodes import Entry
from builds.pipeline.plan import PlanContext
from builds.pipeline.report import Report, clean
from builds.pipeline.section import Section


@dataclass(frozen=True)
class Rule:
    """One environment's rule. `matches`: this push's branch is one of its own; True where it names none."""

    branch: str
    after: str
    matches: bool
    place: Entry | None


def read_rule(section: Section, context: PlanContext) -> Rule:
    """The rule of one deployment; without `branch` and `after` it would never deploy, which is an error."""
    branches, after = section.texts("branch"), section.text("after")
    if not branches and not after:
        section.report.error("a deployment needs `branch` or `after`, to say when it happens", section.node)
    return Rule(
        branch=clean(", ".join(branches), 200),
        after=after,
        matches=applies_to_branch(section, context) if branches else True,
        place=section.entry("after"),
    )


def check_order(rules: Mapping[str, Rule], report: Report) -> None:
    """Errors for an `after` that names no environment, or that leads in a circle."""
    for name, rule in rules.items():
        if rule.after and rule.after not in rules:
            report.error(
                f"the environment `{clean(rule.after, 80)}` does not exist: {report.did_you_mean(rule.after, rules)}",
                rule.place,
            )
        elif rule.after and _chain(name, rules)[-1] == name:
            report.error(f"`{clean(name, 100)}` comes after itself", rule.place)


def applying(rules: Mapping[str, Rule], context: PlanContext) -> frozenset[str]:
    """The environments that this push goes to: its branch fits them and all that come before them.

    A tag or a pull request deploys nothing: its name could be chosen by somebody who may not push to the branch.
    """
    if context.is_tag or context.is_pull_request:
        return frozenset()
    fitting = {name for name, rule in rules.items() if rule.matches}
    return frozenset(name for name in fitting if fitting.issuperset(set(_chain(name, rules)) & rules.keys()))


def _chain(name: str, rules: Mapping[str, Rule]) -> list[str]:
    """What has to be live before `name`, nearest first, ending at an environment met before."""
    chain: list[str] = []
    while (rule := rules.get(name)) and rule.after:
        name = rule.after
        if name in chain:
            break
        chain.append(name)
    return chain
