"""Plans, files and flags of this machine as jobs for the engine."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import click

from builds.pipeline.plan import ConfigError, Plan, PlanContext
from ciservice import env
from ciservice.cli.flags import CI_FLAGS
from ciservice.cli.local.errors import Trouble
from ciservice.cli.local.git import head
from runners.contract import DirectorySource, JobSpec, PipelineSpec, StepKind, StepSpec
from runners.encryption import EncryptionError, parse_key

DAY_SECONDS = 24 * 3600


@dataclass(frozen=True, kw_only=True)
class Wishes:
    """What the flags say of a run."""

    folder: Path
    key_path: Path = Path("codeship.aes")
    variables: Mapping[str, str] = field(default_factory=dict)  # CI_*, from flags
    overrides: Mapping[str, str] = field(default_factory=dict)  # from --env
    tag: str | None = None
    push: bool = False
    dockercfg_service: str = ""
    encrypted_dockercfg_path: str = ""

    def context(self) -> PlanContext:
        """What the plan may depend on: flags first, then what git says."""
        here = head(self.folder)
        says = {**here.variables, **self.variables}
        return PlanContext(
            branch=self.variables.get("CI_BRANCH") or self.tag or here.branch or "main",
            tag=self.tag,
            commit=says.get("CI_COMMIT_ID", "0" * 40),
            message=says.get("CI_COMMIT_MESSAGE", ""),
            description=says.get("CI_COMMIT_DESCRIPTION", ""),
            committer_name=says.get("CI_COMMITTER_NAME", ""),
            committer_email=says.get("CI_COMMITTER_EMAIL", ""),
            committer_username=says.get("CI_COMMITTER_USERNAME", ""),
            repository=says.get("CI_REPO_NAME", ""),
            project_id=says.get("CI_PROJECT_ID", ""),
            build_id=says.get("CI_BUILD_ID", ""),
        )

    def job(self, pipeline: PipelineSpec, *, with_git: bool) -> JobSpec:
        """One run. `with_git`: the variables of a server's build, as far as git knows them; `jet` had none of these."""
        own = {"CI": "true", "CI_NAME": "codeship", **head(self.folder).variables} if with_git else {}
        return JobSpec(
            job_id=str(uuid.uuid4()),
            epoch=1,
            pipeline=replace(pipeline, steps=tuple(self._as_wished(step) for step in pipeline.steps)),
            source=DirectorySource(path=self.folder.absolute()),
            environment={**own, **self.variables},
            overrides=self.overrides,
            key=self._key(),
            timeout_seconds=pipeline.timeout_seconds or DAY_SECONDS,
            silence_seconds=DAY_SECONDS,
            target_hosts=("*",),  # a laptop is its user's own
        )

    def _key(self) -> str:
        path = self.folder / self.key_path
        try:
            return parse_key(path.read_text(errors="replace")).text if path.is_file() else ""
        except (EncryptionError, OSError) as error:
            raise Trouble(f"{path}: {error}") from None

    def _as_wished(self, step: StepSpec) -> StepSpec:
        skip = step.skip
        if step.kind is StepKind.PUSH and step.push and not self.push:
            skip = skip or "pushes only with --push"
        mine = not (step.encrypted_dockercfg_path or step.dockercfg_service)
        return replace(
            step,
            skip=skip,
            steps=tuple(self._as_wished(inner) for inner in step.steps),
            on_fail=tuple(self._as_wished(inner) for inner in step.on_fail),
            encrypted_dockercfg_path=self.encrypted_dockercfg_path if mine else step.encrypted_dockercfg_path,
            dockercfg_service=self.dockercfg_service if mine else step.dockercfg_service,
        )


def ci_variables(flags: Mapping[str, str | None]) -> dict[str, str]:
    """The variables that --ci-* flags set; `flags` by their names in Python."""
    found = {name: flags.get(flag.removeprefix("--").replace("-", "_")) for flag, (name, _) in CI_FLAGS.items()}
    variables = {name: value for name, value in found.items() if value is not None}
    if "CI_COMMIT_MESSAGE" in variables:
        variables["CI_MESSAGE"] = variables["CI_COMMIT_MESSAGE"]
    return variables


def given_variables(texts: Iterable[str]) -> dict[str, str]:
    """What --env says: NAME=value, or NAME for that of this shell."""
    here, found = env.everything(), {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not name:
            raise click.BadParameter(f"{text!r}: write NAME=value", param_hint="--env")
        if equals or name in here:
            found[name] = value if equals else here[name]
    return found


def explained(error: ConfigError) -> Trouble:
    """Every problem, one a line."""
    return Trouble("\n".join(str(problem) for problem in error.problems))


def warn(plan: Plan) -> None:
    """Say what can be run in spite of it."""
    for warning in plan.warnings:
        click.echo(f"warning: {warning}", err=True)
