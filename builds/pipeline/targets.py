"""`deploy` of a step: one target with its settings, checked as far as they can be before ${NAME} is filled in."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from builds.pipeline.budget import Budget
from builds.pipeline.nodes import Entry, Mapping, Node, Sequence
from builds.pipeline.report import Report, clean
from builds.pipeline.section import Section, is_null
from builds.pipeline.target_schema import about, is_secret, settings_at
from runners.contract import TargetSpec
from runners.targets import KINDS
from runners.targets.checking import Path, problems, settings_class, spoken
from runners.targets.filling import names_in

_EXAMPLE = "such as `deploy: {ssh: {hosts: [web.example.com], user: deploy, to: /srv/shop}}`"

_WORDS = {
    "is needed": "it is needed",
    "input should be a valid string": "it needs a text",
    "input should be a valid boolean": "it needs true or false",
    "input should be a valid integer": "it needs a whole number",
    "input should be a valid number": "it needs a number",
    "input should be a valid list": "it needs a list",
    "input should be a valid tuple": "it needs a list",
    "input should be a valid dictionary": "it needs a map",
    "string should match pattern": "it is not written as it should be",
    "input should be ": "it is one of ",
}


def read_target(section: Section, budget: Budget) -> TargetSpec:
    """The target under `deploy`; what is wrong with it goes to the report."""
    entry, report = section.entry("deploy"), section.report
    if entry is None or not isinstance(entry.node, Mapping) or len(entry.node.entries) != 1:
        report.error(f"`deploy` needs one target with its settings, {_EXAMPLE}", entry or section.node)
        return TargetSpec(kind="")
    (chosen,) = entry.node.entries
    if chosen.key not in KINDS:
        help_ = report.did_you_mean(chosen.key, KINDS)
        report.error(f"the target `{clean(chosen.key, 80)}` does not exist: {help_}", chosen)
        return TargetSpec(kind="")
    if not isinstance(chosen.node, Mapping) and not is_null(chosen.node):
        report.error(f"`{chosen.key}` needs a map with its settings, {_EXAMPLE}", chosen)
        return TargetSpec(kind=chosen.key)
    budget.spend_settings(chosen.node)
    return _checked(chosen, report)


def _checked(chosen: Entry, report: Report) -> TargetSpec:
    kind, settings = chosen.key, _plain(chosen.node) or {}
    wrong: dict[Path, list[str]] = {}
    for problem in problems(kind, settings):
        path = _known(chosen.node, problem.where)
        missing = problem.where if path == problem.where[:-1] and problem.text == "is needed" else path
        wrong.setdefault(missing, []).append(problem.text)
    for path, texts in wrong.items():
        report.error(_sentence(kind, path, list(dict.fromkeys(texts)), report), _place(chosen, path))
    for path in _secrets_in_the_clear(kind, settings, ()):
        name = spoken(path)
        text = (
            f"`{name}` is a secret, and the file is no place for it: keep it as a secret of the project, and write its"
        )
        report.error(f"{text} name here, such as ${{{_suggested(kind, path)}}}", _place(chosen, path))
    if wrong:
        return TargetSpec(kind=kind)
    model = settings_class(kind).model_validate(settings)
    return TargetSpec(kind=kind, settings=model.model_dump(mode="json", exclude_unset=True))


def _sentence(kind: str, path: Path, texts: list[str], report: Report) -> str:
    """What is wrong with one setting, and what it is for."""
    if texts[0].startswith("there is no such setting"):
        name = str(path[-1])
        help_ = report.did_you_mean(name, settings_at(kind, path[:-1]))
        return f"`{kind}` has no setting `{clean(spoken(path), 80)}`: {help_}"
    said = ", or ".join(dict.fromkeys(_in_words(text) for text in texts))
    meant = about(kind, path) or about(kind, path[:-1])
    subject = f"`{clean(spoken(path), 80)}` of `{kind}`" if path else f"`{kind}`"
    return f"{subject}: {said}" + (f" ({meant.rstrip('.')})" if meant else "")


def _in_words(text: str) -> str:
    """What pydantic says, as the rest of the file's mistakes are told."""
    for theirs, ours in _WORDS.items():
        if text.startswith(theirs):
            return ours + (text.removeprefix(theirs) if theirs.endswith(" ") else "")
    return text


def _plain(node: Node) -> Any:
    """The settings as values: words keep their spelling, but for true and false; what is left empty is not there."""
    if isinstance(node, Mapping):
        return {entry.key: _plain(entry.node) for entry in node.entries if not is_null(entry.node)}
    if isinstance(node, Sequence):
        return [_plain(item) for item in node.items]
    if node.is_plain and node.text in ("true", "false"):
        return node.text == "true"
    return None if node.is_null else node.text


def _known(node: Node, where: Path) -> Path:
    """As much of a path as the file has: what is missing has no place, and what could be one of several things names it."""
    found: list[str | int] = []
    for part in where:
        below = _step(node, part)
        if below is None:
            break
        found.append(part)
        node = below.node if isinstance(below, Entry) else below
    return tuple(found)


def _place(chosen: Entry, path: Path) -> Entry | Node:
    place: Entry | Node = chosen
    for part in path:
        below = _step(place.node if isinstance(place, Entry) else place, part)
        if below is None:
            break
        place = below
    return place


def _step(node: Node, part: str | int) -> Entry | Node | None:
    if isinstance(part, int):
        return node.items[part] if isinstance(node, Sequence) and part < len(node.items) else None
    return node.get(part) if isinstance(node, Mapping) else None


def _secrets_in_the_clear(kind: str, value: Any, path: Path) -> Iterator[Path]:
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from _secrets_in_the_clear(kind, inner, (*path, name))
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield from _secrets_in_the_clear(kind, inner, (*path, number))
    elif isinstance(value, str) and value and not names_in(value) and is_secret(kind, path):
        yield path


def _suggested(kind: str, path: Path) -> str:
    """How a secret is best called: HEROKU_API_KEY, AWS_SECRET_ACCESS_KEY."""
    name = str(path[-1])
    return (name if name.startswith("aws_") else f"{kind}_{name}").upper()
