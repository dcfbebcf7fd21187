"""What is to be run for a push: a pure function of the configuration's text and the push, stored with the build."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from pydantic import TypeAdapter

from builds.pipeline.delivery import Gates, Rollout
from runners.contract import PipelineSpec


@dataclass(frozen=True, kw_only=True)
class PlanContext:
    """What of a push the plan may depend on."""

    branch: str  # the branch, or the tag's name for a tag build: what `tag` and `exclude` are matched against
    commit: str
    tag: str | None = None  # what `tag` and `exclude` are matched against instead: "" = no `tag` matches
    is_tag: bool = False
    is_pull_request: bool = False
    message: str = ""
    description: str = ""  # what git describe calls the commit
    committer_name: str = ""
    committer_email: str = ""
    committer_username: str = ""
    repository: str = ""  # owner/name
    project_id: str = ""
    build_id: str = ""
    queued_at: datetime = datetime(1970, 1, 1, tzinfo=UTC)  # when the build was asked for: a template's time
    event: str = "push"  # push, tag, pull_request, manual or schedule
    changed: tuple[str, ...] | None = None  # paths that differ from what passed before; None = not known
    only: tuple[str, ...] = ()  # the pipelines that were asked for, and no deployment; () = everything


@dataclass(frozen=True, kw_only=True)
class EnvironmentPlan:
    """One entry under `deployments:`: where a passed build goes, and the steps that bring it there."""

    name: str
    branch: str = ""  # the branch or pattern that deploys here; "" where `after` decides alone
    after: str = ""  # the environment that must be live with this release first
    pipeline: PipelineSpec = field(default_factory=lambda: PipelineSpec(name="", steps=()))
    applies: bool = False  # whether this push's branch matches
    gates: Gates = field(default_factory=Gates)
    rollout: Rollout = field(default_factory=Rollout)


@dataclass(frozen=True, kw_only=True)
class SchedulePlan:
    """One entry under `schedule:`. Only what the newest commit of the default branch says counts."""

    cron: str  # five fields, or @daily and the like
    zone: str = "UTC"  # of the IANA database
    branch: str = ""  # whose newest commit is built; "" = the default branch
    pipelines: tuple[str, ...] = ()  # those that run; () = all


@dataclass(frozen=True, kw_only=True)
class Problem:
    """A warning or an error, with its place and its remedy."""

    text: str
    file: str = ""
    line: int = 0  # 1-based; 0 = the file as a whole
    column: int = 0
    key: str = ""

    def __str__(self) -> str:
        place = ":".join(str(part) for part in (self.file, self.line, self.column) if part)
        return f"{place}: {self.text}" if place else self.text


@dataclass(frozen=True, kw_only=True)
class Plan:
    """Everything that a build will run."""

    source: str  # the file it was read from, "ciservice.yml" or "codeship-steps.yml"
    pipelines: tuple[PipelineSpec, ...]
    deployments: tuple[EnvironmentPlan, ...] = ()
    schedules: tuple[SchedulePlan, ...] = ()
    warnings: tuple[Problem, ...] = ()
    budget_seconds: int = 0  # how long the build should take; 0 = nothing was said


class ConfigError(Exception):
    """The configuration cannot be run: every problem at once, the first in reading order first."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = problems


_PLAN = TypeAdapter(Plan)
_PIPELINE = TypeAdapter(PipelineSpec)


def plan_to_json(plan: Plan) -> dict[str, Any]:
    """For the build's row."""
    data: dict[str, Any] = _PLAN.dump_python(plan, mode="json")
    return data


def plan_from_json(data: Mapping[str, Any]) -> Plan:
    """What `plan_to_json` was given."""
    return _PLAN.validate_python(data)


def pipeline_to_json(spec: PipelineSpec) -> dict[str, Any]:
    """For the job's row."""
    data: dict[str, Any] = _PIPELINE.dump_python(spec, mode="json")
    return data


def pipeline_from_json(data: Mapping[str, Any]) -> PipelineSpec:
    """What `pipeline_to_json` was given."""
    return _PIPELINE.validate_python(data)
