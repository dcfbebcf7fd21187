"""When a push deploys: the `branch`, `tag` and `after` of the environments in ciservice.yml."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from builds.pipeline.filters import applies_to_branch, applies_to_tag
from builds.pipeline.nodes import Entry
from builds.pipeline.plan import EnvironmentPlan, PlanContext
from builds.pipeline.report import Report, clean
from builds.pipeline.section import Section


@dataclass(frozen=True)
class Rule:
    """One environment's rule. `matches`: this push's branch or tag is one of its own; True where it names none."""

    branch: str
    after: str
    matches: bool
    place: Entry | None
    tag: str = ""


def read_rule(section: Section, context: PlanContext) -> Rule:
    """The rule of one deployment; without `branch`, `tag` and `after` it would never deploy, which is an error."""
    branches, tags, after = section.texts("branch"), section.texts("tag"), section.text("after")
    if not branches and not tags and not after:
        section.report.error("a deployment needs `branch` or `after`, to say when it happens; or `tag`", section.node)
    fits_branch, fits_tag = applies_to_branch(section, context), applies_to_tag(section, context)
    return Rule(
        branch=clean(", ".join(branches), 200),
        after=after,
        matches=fits_branch or fits_tag or not (branches or tags),
        place=section.entry("after"),
        tag=clean(", ".join(tags), 200),
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
        else:
            _check_reach(name, rules, report)


def _check_reach(name: str, rules: Mapping[str, Rule], report: Report) -> None:
    """An error where no push can fit both an environment and what comes before it."""
    own = rules[name]
    for before in (rules[other] for other in _chain(name, rules) if other in rules):
        for has, lacks in (("tag", "branch"), ("branch", "tag")):
            if getattr(own, has) and not getattr(own, lacks) and getattr(before, lacks) and not getattr(before, has):
                text = f"`{clean(name, 100)}` goes by `{has}` alone, and comes after one that goes by `{lacks}` alone"
                report.error(f"{text}: nothing would ever go there", own.place)
                return


def applying(rules: Mapping[str, Rule], context: PlanContext) -> frozenset[str]:
    """The environments that this push goes to: its branch, or its tag, fits them and all that come before them.

    A pull request deploys nothing: its name could be chosen by somebody who may not push to the branch. So could a
    tag's, which is why it needs a `tag` that says so.
    """
    if context.is_pull_request:
        return frozenset()
    fitting = {name for name, rule in rules.items() if rule.matches}
    return frozenset(name for name in fitting if fitting.issuperset(set(_chain(name, rules)) & rules.keys()))


def with_artifacts(environment: EnvironmentPlan, pipelines: tuple[str, ...]) -> EnvironmentPlan:
    """The same, its jobs given what the named pipelines keep: what goes out is what was built."""
    rollout = environment.rollout
    back = rollout.rollback
    return replace(
        environment,
        pipeline=replace(environment.pipeline, needs=pipelines),
        rollout=replace(
            rollout,
            checks=rollout.checks and replace(rollout.checks, needs=pipelines),
            rollback=replace(back, pipeline=back.pipeline and replace(back.pipeline, needs=pipelines)),
        ),
    )


def _chain(name: str, rules: Mapping[str, Rule]) -> list[str]:
    """What has to be live before `name`, nearest first, ending at an environment met before."""
    chain: list[str] = []
    while (rule := rules.get(name)) and rule.after:
        name = rule.after
        if name in chain:
            break
        chain.append(name)
    return chain
