"""Pipelines kept in a project's settings, as CodeShip Basic had them, written as the ciservice.yml that does the same."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
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


@dataclass(frozen=True, kw_only=True)
class KeptPipeline:
    """One test pipeline: a container of its own, the set-up commands, then these, a line each."""

    name: str
    commands: str


@dataclass(frozen=True, kw_only=True)
class KeptDeployment:
    """What runs when a build of such a branch passed."""

    name: str
    match: Match
    branch: str
    commands: str


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
        lines += [f"  {_quoted(pipeline.name)}:", *_steps((kept.setup, pipeline.commands))]
    deployments = [deployment for deployment in kept.deployments if active(deployment.commands)]
    if deployments:
        lines.append("deployments:")
    before = (kept.setup,) if len(used) == 1 else ()
    for deployment in deployments:
        lines += [f"  {_quoted(deployment.name)}:", f"    branch: {_quoted(_pattern(deployment))}"]
        lines += _steps((*before, deployment.commands))
    return "".join(f"{line}\n" for line in lines)


def _steps(texts: Sequence[str]) -> Iterator[str]:
    yield "    steps:"
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
