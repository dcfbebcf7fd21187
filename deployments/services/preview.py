"""What a rollback, or any deployment by hand, would change: code, variables, secrets, and what cannot be undone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from builds.services.record_of import PROJECT_KEY
from builds.services.secrets_then import SecretChange, differences, fingerprint
from deployments.models import Environment, Release
from deployments.services.irreversible import irreversible_between
from deployments.services.plans import plan_for
from deployments.services.rollback import Change, change
from runners.contract import PipelineSpec, StepSpec

MOST = 60
_LONGEST = 300
_SENTENCES = {
    "changed": "has another value than when {release} was live",
    "gone": "was set when {release} was live, and is not any more",
    "new": "was not set when {release} was live",
    "unknown": "cannot be compared with when {release} was live: this instance's SECRET_KEY was changed since",
}


@dataclass(frozen=True)
class VariableChange:
    """One plain variable of the configuration; None = it is not there. Long values are cut."""

    name: str  # "LEVEL"; of one step or service "LEVEL of step deploy"
    now: str | None  # as what is live was configured
    then: str | None  # as the target is


@dataclass(frozen=True)
class SecretNote:
    """One secret of today that is not what the target was live with."""

    name: str
    text: str  # one sentence for people; no value

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True, kw_only=True)
class Preview:
    """All of it. Only the configuration and the code go with a release: its steps get the secrets of today."""

    change: Change  # the code: the releases that come or go
    variables: tuple[VariableChange, ...] = ()
    variables_omitted: int = 0
    secrets: tuple[SecretNote, ...] = ()
    secrets_are_known: bool = False  # whether it is on record what the target was live with
    obstacles: tuple[Release, ...] = ()  # each with `irreversible`: why it cannot be taken back


def preview(environment: Environment, release: Release) -> Preview:
    """What would change if `release` went live in `environment` now; nothing is written."""
    found = change(environment, release)
    changed = _variables(environment, found)
    notes = _secrets(environment, release)
    return Preview(
        change=found,
        variables=tuple(changed[:MOST]),
        variables_omitted=max(len(changed) - MOST, 0),
        secrets=notes or (),
        secrets_are_known=notes is not None,
        obstacles=tuple(irreversible_between(environment, release)),
    )


def _variables(environment: Environment, found: Change) -> list[VariableChange]:
    if found.live is None or found.live == found.target:
        return []
    now, then = _configured(found.live, environment), _configured(found.target, environment)
    names = [*now, *(name for name in then if name not in now)]
    return [
        VariableChange(name, _cut(now.get(name)), _cut(then.get(name)))
        for name in names
        if now.get(name) != then.get(name)
    ]


def _configured(release: Release, environment: Environment) -> dict[str, str]:
    plan = plan_for(release, environment)
    return plain_variables(plan.pipeline) if plan is not None else {}


def plain_variables(pipeline: PipelineSpec) -> dict[str, str]:
    """What the configuration sets in the clear: for all steps, for a service, and for one step."""
    found = dict(pipeline.environment)
    for service in pipeline.services:
        found |= _of(f"service {service.name}", service.environment)
    for step in _every(pipeline.steps):
        found |= _of(f"step {step.name}", step.environment)
    return found


def _of(place: str, variables: Mapping[str, str]) -> dict[str, str]:
    return {f"{name} of {place}": value for name, value in variables.items()}


def _every(steps: tuple[StepSpec, ...]) -> list[StepSpec]:
    return [each for step in steps for each in (step, *_every(step.below))]


def _secrets(environment: Environment, release: Release) -> tuple[SecretNote, ...] | None:
    """None where nobody wrote down what the release was live with."""
    was = environment.deployments.filter(release=release, live_at__isnull=False).exclude(secrets={})
    then = was.order_by("-live_at").values_list("secrets", flat=True).first()
    if then is None:
        return None
    today = fingerprint(release.build, environment.name, with_plain=True)["hashes"]
    return tuple(_note(each, release) for each in differences([then], today))


def _note(found: SecretChange, release: Release) -> SecretNote:
    end = "; it goes without." if found.how == "gone" else "; today's is used."
    called = "The project's key" if found.name == PROJECT_KEY else found.name
    return SecretNote(found.name, f"{called} {_SENTENCES[found.how].format(release=release)}{end}")


def _cut(value: str | None) -> str | None:
    return value if value is None or len(value) <= _LONGEST else f"{value[: _LONGEST - 1]}…"
