"""Pipelines kept in a project's settings, as CodeShip Basic had them, written as the ciservice.yml that does the same."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

import re2
from pydantic import TypeAdapter

from builds.pipeline.one_session import active

_PLAIN = re.compile(r"[A-Za-z./][A-Za-z0-9 ./_=@+-]*")
_WORDS = frozenset({"true", "false", "yes", "no", "on", "off", "null", "y", "n", "~"})
EVERY_BRANCH = "%"  # CodeShip's word for it, with "starts with"


class Match(StrEnum):
    """How a deployment's branch is meant."""

    EXACTLY = "exactly"
    STARTS_WITH = "starts_with"


class Way(StrEnum):
    """CodeShip's types of deployment: a script, or one of runners.targets."""

    SCRIPT = "script"
    HEROKU = "heroku"
    S3 = "s3"
    ELASTIC_BEANSTALK = "elastic_beanstalk"
    CODE_DEPLOY = "code_deploy"


_AWS = {"aws_access_key_id": "AWS_ACCESS_KEY_ID", "aws_secret_access_key": "AWS_SECRET_ACCESS_KEY"}
SECRETS: Mapping[Way, Mapping[str, str]] = {
    Way.HEROKU: {"api_key": "HEROKU_API_KEY"},
    **dict.fromkeys((Way.S3, Way.ELASTIC_BEANSTALK, Way.CODE_DEPLOY), _AWS),
}
"""The settings that are secret, and the secrets of the project that they are taken from."""


@dataclass(frozen=True, kw_only=True)
class KeptPipeline:
    """One test pipeline: a container of its own, the set-up commands, then these, a line each."""

    name: str
    commands: str
    id: int = field(default=0, compare=False)  # of the API; 0 = none yet


@dataclass(frozen=True, kw_only=True)
class KeptDeployment:
    """What runs when a build of such a branch passed. Those of one name are one environment's steps, in their order."""

    name: str
    match: Match
    branch: str
    commands: str = ""  # of a script
    way: Way = Way.SCRIPT
    settings: Mapping[str, str | bool] = field(default_factory=dict)  # of any other way, but for what is secret
    id: int = field(default=0, compare=False)  # of its environment; 0 = none yet

    @property
    def does_something(self) -> bool:
        """Whether anything is left to run."""
        return self.way is not Way.SCRIPT or bool(active(self.commands))


@dataclass(frozen=True, kw_only=True)
class Kept:
    """Everything that the page keeps. Commands are texts with a command a line; `#` switches a line off."""

    image: str = ""
    setup: str = ""
    pipelines: tuple[KeptPipeline, ...] = ()
    deployments: tuple[KeptDeployment, ...] = ()


_KEPT = TypeAdapter(Kept)


def kept_to_json(kept: Kept) -> dict[str, Any]:
    """For the row."""
    data: dict[str, Any] = _KEPT.dump_python(kept, mode="json")
    return data


def kept_from_json(data: dict[str, Any]) -> Kept:
    """What `kept_to_json` was given."""
    return _KEPT.validate_python(data)


def with_ids(kept: Kept, before: Kept) -> Kept:
    """The same with a number for each pipeline and each environment: a name keeps its own, what is new gets the next."""
    pipelines = _numbers([(one.name, one.id) for one in kept.pipelines], before.pipelines)
    deployments = _numbers([(one.name, one.id) for one in kept.deployments], before.deployments)
    return replace(
        kept,
        pipelines=tuple(replace(one, id=pipelines[one.name]) for one in kept.pipelines),
        deployments=tuple(replace(one, id=deployments[one.name]) for one in kept.deployments),
    )


def _numbers(wanted: Sequence[tuple[str, int]], before: Sequence[KeptPipeline | KeptDeployment]) -> dict[str, int]:
    """By name."""
    known = {one.name: one.id for one in before if one.id}
    given = {name: number for name, number in wanted if number}
    highest = max([*known.values(), *given.values()], default=0)
    for name, _ in wanted:
        if name not in given and known.get(name, 0) not in {0, *given.values()}:
            given[name] = known[name]
        elif name not in given:
            highest += 1
            given[name] = highest
    return given


def to_yaml(kept: Kept) -> str:
    """The text of the ciservice.yml; a pipeline without an active command is left out, as CodeShip did.

    With one pipeline the deployments run the set-up commands first: there CodeShip deployed from the container that
    had passed. With several it deployed from a fresh one, without them.
    """
    lines: list[str] = []
    if kept.image:
        lines.append(f"image: {_quoted(kept.image)}")
    used = [pipeline for pipeline in kept.pipelines if active(pipeline.commands)]
    if used:
        lines.append("pipelines:")
    for pipeline in used:
        lines += [f"  {_quoted(pipeline.name)}:", "    steps:", *_session((kept.setup, pipeline.commands))]
    environments: dict[str, list[KeptDeployment]] = {}
    for deployment in kept.deployments:
        if deployment.does_something:
            environments.setdefault(deployment.name, []).append(deployment)
    if environments:
        lines.append("deployments:")
    for name, deployments in environments.items():
        lines += [f"  {_quoted(name)}:", f"    branch: {_quoted(_pattern(deployments[0]))}", "    steps:"]
        lines += _deploying(deployments, kept.setup if len(used) == 1 else "")
    return "".join(f"{line}\n" for line in lines)


def _deploying(deployments: Sequence[KeptDeployment], setup: str) -> Iterator[str]:
    """The steps of one environment; the set-up commands share the shell of a script that comes first."""
    if deployments[0].way is not Way.SCRIPT and active(setup):
        yield from _session((setup,))
        setup = ""
    for number, deployment in enumerate(deployments):
        if deployment.way is Way.SCRIPT:
            yield from _session((setup, deployment.commands) if number == 0 else (deployment.commands,))
        else:
            yield from _target(deployment)


def _target(deployment: KeptDeployment) -> Iterator[str]:
    yield "      - deploy:"
    yield f"          {deployment.way}:"
    for name, value in deployment.settings.items():
        yield f"            {name}: {_quoted(value) if isinstance(value, str) else str(value).lower()}"
    for name, secret in SECRETS[deployment.way].items():
        yield f"            {name}: {_quoted(f'${{{secret}}}')}"


def _session(texts: Sequence[str]) -> Iterator[str]:
    yield "      - commands:"
    for text in texts:
        for line in active(text):
            yield f"          - {_quoted(line)}"


def _pattern(deployment: KeptDeployment) -> str:
    """The branch as `branch:` of ciservice.yml has it."""
    name = deployment.branch
    if deployment.match is Match.STARTS_WITH:
        return "*" if name == EVERY_BRANCH else f"{name}*"
    # What would be a regular expression there is a name here.
    is_special = name.startswith("^") or name.endswith("$") or "*" in name or "?" in name
    return f"^{re2.escape(name)}$" if is_special else name


def _quoted(text: str) -> str:
    """A scalar of YAML on one line."""
    is_plain = _PLAIN.fullmatch(text) and text.lower() not in _WORDS and not text.endswith(" ")
    return text if is_plain else "'" + text.replace("'", "''") + "'"
