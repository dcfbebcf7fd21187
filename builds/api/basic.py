"""CodeShip Basic's pipelines as the API's JSON, and back: what a project keeps instead of a file."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

from ninja import Schema
from ninja.errors import HttpError
from pydantic import Field

from builds.pipeline.basic import SECRETS, Kept, KeptDeployment, KeptPipeline, Match, Way

MOST = 20  # pipelines of a project
_MOST_COMMANDS = 500
Commands = list[str]

_WAYS: Mapping[str, Way] = {
    "script_deployment": Way.SCRIPT,
    "heroku_deployment": Way.HEROKU,
    "s3_deployment": Way.S3,
    "elastic_beanstalk_deployment": Way.ELASTIC_BEANSTALK,
    "aws_code_deploy_deployment": Way.CODE_DEPLOY,
}
_TYPES = {way: word for word, way in _WAYS.items()}
_MATCHES = {"exact": Match.EXACTLY, "exactly": Match.EXACTLY, "starts_with": Match.STARTS_WITH}
_MODES = {Match.EXACTLY: "exact", Match.STARTS_WITH: "starts_with"}
# What CodeShip's settings are called where ours differ.
_OURS = {Way.HEROKU: {"path": "folder"}}


class TestPipelineIn(Schema):
    """Test commands: a container of its own, the set-up commands, then these."""

    name: str = Field("Test Commands", min_length=1, max_length=100)
    commands: Commands = Field([], max_length=_MOST_COMMANDS)


class TestPipelineOut(Schema):
    """The same, as it is kept."""

    id: int
    name: str
    commands: Commands
    created_at: datetime
    updated_at: datetime


class BranchIn(Schema):
    """Which branches."""

    branch_name: str = Field(min_length=1, max_length=150)
    match_mode: str = Field("exact", description="exact or starts_with")


class DeployPipelineIn(Schema):
    """What runs when a build of such a branch has passed."""

    branch: BranchIn | str = Field(
        description="A name, or {branch_name, match_mode}; % with starts_with is every branch."
    )
    match_mode: str = Field("exact", description="exact or starts_with")
    config: list[dict[str, Any] | str] | dict[str, Any] = Field(
        description="Steps {position, type, ...}, as CodeShip has them; or the commands of a script, a text each."
    )
    name: str = Field("", max_length=100, description="The environment. Default: the branch.")


class BranchOut(Schema):
    """Which branches."""

    branch_name: str
    match_mode: str


class DeployPipelineOut(Schema):
    """A deployment pipeline of its own address."""

    id: int
    project_uuid: str
    name: str
    branch: str
    match_mode: str
    config: list[dict[str, Any]]
    created_at: datetime
    updated_at: datetime


class DeploymentPipelineOut(Schema):
    """The same within its project: CodeShip's client reads `config` as an object, that of the first step."""

    id: int
    position: int
    branch: BranchOut
    config: dict[str, Any]


def test_pipelines(kept: Kept, at: datetime) -> list[dict[str, Any]]:
    """As `TestPipelineOut` has them."""
    return [
        {"id": one.id, "name": one.name, "commands": one.commands.splitlines(), "created_at": at, "updated_at": at}
        for one in kept.pipelines
    ]


def deploy_pipelines(kept: Kept, project_uuid: object, at: datetime) -> list[dict[str, Any]]:
    """As `DeployPipelineOut` has them: those of one environment are its steps."""
    return [
        {
            "id": steps[0].id,
            "project_uuid": str(project_uuid),
            "name": steps[0].name,
            "branch": steps[0].branch,
            "match_mode": _MODES[steps[0].match],
            "config": [_config(step, position) for position, step in enumerate(steps, 1)],
            "created_at": at,
            "updated_at": at,
        }
        for steps in environments(kept).values()
    ]


def deployment_pipelines(kept: Kept) -> list[dict[str, Any]]:
    """As `DeploymentPipelineOut` has them."""
    return [
        {
            "id": steps[0].id,
            "position": position,
            "branch": {"branch_name": steps[0].branch, "match_mode": _MODES[steps[0].match]},
            "config": _config(steps[0], 1),
        }
        for position, steps in enumerate(environments(kept).values(), 1)
    ]


def environments(kept: Kept) -> dict[str, list[KeptDeployment]]:
    """The steps of each environment."""
    found: dict[str, list[KeptDeployment]] = {}
    for one in kept.deployments:
        found.setdefault(one.name, []).append(one)
    return found


def setup_commands(kept: Kept) -> Commands:
    """A text each, those that `#` switches off among them."""
    return kept.setup.splitlines()


def pipeline_of(asked: TestPipelineIn, number: int = 0) -> KeptPipeline:
    """To be kept."""
    return KeptPipeline(name=asked.name, commands=text_of(asked.commands), id=number)


def deployments_of(asked: DeployPipelineIn, number: int = 0) -> list[KeptDeployment]:
    """To be kept: one for each step. HttpError where a step is none of ours."""
    branch = (
        asked.branch
        if isinstance(asked.branch, BranchIn)
        else BranchIn(branch_name=asked.branch or "?", match_mode=asked.match_mode)
    )
    if branch.match_mode not in _MATCHES or not asked.branch:
        raise HttpError(400, "match_mode: use exact or starts_with, and name a branch.")
    name = asked.name or branch.branch_name
    rule = {"name": name, "match": _MATCHES[branch.match_mode], "branch": branch.branch_name, "id": number}
    return [KeptDeployment(**rule, **values) for values in _steps(asked.config)]  # type: ignore[arg-type]


def secrets_of(asked: DeployPipelineIn) -> Iterator[tuple[str, str]]:
    """(name, value) of what its steps have that must be kept sealed."""
    for step in asked.config if isinstance(asked.config, list) else [asked.config]:
        if isinstance(step, dict):
            names = SECRETS.get(_WAYS.get(str(step.get("type")), Way.SCRIPT), {})
            yield from ((names[key], str(value)) for key, value in step.items() if key in names and value)


def text_of(commands: Iterable[str]) -> str:
    """A command a line."""
    return "\n".join(commands).replace("\r\n", "\n").replace("\r", "\n").strip("\n")


def _steps(config: list[dict[str, Any] | str] | dict[str, Any]) -> list[dict[str, Any]]:
    steps = config if isinstance(config, list) else [config]
    if all(isinstance(step, str) for step in steps):
        return [{"commands": text_of(str(step) for step in steps)}]
    found = [step if isinstance(step, dict) else {"commands": [step]} for step in steps]
    return [_step(step) for step in sorted(found, key=_position)]


def _position(step: Mapping[str, Any]) -> int:
    position = step.get("position", 0)
    return position if isinstance(position, int) else 0


def _step(step: Mapping[str, Any]) -> dict[str, Any]:
    way = _WAYS.get(str(step.get("type", "script_deployment")))
    if way is None:
        raise HttpError(
            400,
            f"config: there is no {str(step.get('type'))[:60]}: use one of {', '.join(_WAYS)}."
            " For anything else write a script_deployment that calls its own tool, such as gcloud app deploy.",
        )
    if way is Way.SCRIPT:
        commands = step.get("commands", [])
        lines = commands if isinstance(commands, list) else str(commands).splitlines()
        return {"commands": text_of(map(str, lines))}
    secret = SECRETS[way]
    plain = {key: value for key, value in step.items() if key not in {"type", "position", *secret}}
    settings = {_OURS.get(way, {}).get(key, key): value for key, value in plain.items() if value not in (None, "")}
    if bad := next((key for key, value in settings.items() if not isinstance(value, str | bool)), ""):
        raise HttpError(400, f"config: {bad[:60]} is to be a text, true or false.")
    return {"way": way, "settings": settings}


def _config(step: KeptDeployment, position: int) -> dict[str, Any]:
    if step.way is Way.SCRIPT:
        return {"position": position, "type": _TYPES[step.way], "commands": step.commands.splitlines()}
    theirs = {ours: word for word, ours in _OURS.get(step.way, {}).items()}
    settings = {theirs.get(name, name): value for name, value in step.settings.items()}
    return {"position": position, "type": _TYPES[step.way], **settings}
