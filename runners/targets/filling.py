"""${NAME} in a target's settings: filled in from the job's variables and secrets, when it is about to deliver."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from runners.targets.checking import Path, spoken
from runners.targets.contract import TargetError

# `$${` writes `${`.
_NAME = re.compile(r"\$?\$\{([^{}]*)\}")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def filled(settings: Mapping[str, Any], values: Mapping[str, str], verbatim: frozenset[str]) -> dict[str, Any]:
    """The settings with every ${NAME} replaced, but for the fields that are `verbatim`. TargetError names what is missing."""
    return {name: value if name in verbatim else _filled(value, values, (name,)) for name, value in settings.items()}


def names_in(text: str) -> frozenset[str]:
    """Every NAME that stands as ${NAME} in a text that is not filled in."""
    return frozenset(name for name in _NAME.findall(text) if _VARIABLE.fullmatch(name))


def _filled(value: Any, values: Mapping[str, str], where: Path) -> Any:
    if isinstance(value, Mapping):
        return {name: _filled(inner, values, (*where, str(name))) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_filled(inner, values, (*where, number)) for number, inner in enumerate(value)]
    return _text(value, values, where) if isinstance(value, str) else value


def _text(text: str, values: Mapping[str, str], where: Path) -> str:
    def put(found: re.Match[str]) -> str:
        if found[0].startswith("$$"):
            return found[0][1:]
        name = found[1]
        if name not in values:
            raise TargetError(
                f"{spoken(where)}: there is no variable or secret “{name[:80]}”. Set it for the project or the"
                " environment, or write $${…} for the text itself."
            )
        return values[name]

    return _NAME.sub(put, text)
