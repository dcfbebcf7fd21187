"""Settings of a target as people write them: read, and what is wrong with them in words. Pure, for plans and deliveries."""

from __future__ import annotations

import difflib
import importlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from runners.targets import KINDS

Path = tuple[str | int, ...]


@dataclass(frozen=True)
class Problem:
    """Something wrong with a target's settings: where it stands in them, and a sentence."""

    where: Path
    text: str

    def __str__(self) -> str:
        return f"{spoken(self.where)}: {self.text}" if self.where else self.text


def settings_class(kind: str) -> type[BaseModel]:
    """The class of a kind's settings. KeyError where there is no such kind."""
    if kind not in KINDS:
        raise KeyError(kind)
    found: type[BaseModel] = importlib.import_module(f"runners.targets.{kind}.settings").Settings
    return found


def problems(kind: str, settings: Mapping[str, Any]) -> list[Problem]:
    """Everything wrong with the settings of a target of that kind; they may still hold ${NAME}."""
    if kind not in KINDS:
        return [Problem((), f"there is no target “{kind}”{_nearest(kind, KINDS)}")]
    wanted = settings_class(kind)
    try:
        wanted.model_validate(settings)
    except ValidationError as error:
        return [_problem(one, wanted) for one in error.errors(include_url=False, include_input=False)]
    return []


def spoken(where: Path) -> str:
    """`hosts[0].user` for ("hosts", 0, "user")."""
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in where).lstrip(".")


def _problem(error: ErrorDetails, wanted: type[BaseModel]) -> Problem:
    where = tuple(error["loc"])
    if error["type"] == "missing":
        return Problem(where, "is needed")
    if error["type"] == "extra_forbidden":
        known = wanted.model_fields if len(where) == 1 else ()
        return Problem(where, f"there is no such setting{_nearest(str(where[-1]), known)}")
    text = str(error["msg"]).removeprefix("Value error, ")
    return Problem(where, text[:1].lower() + text[1:])


def _nearest(name: str, known: Any) -> str:
    near = difflib.get_close_matches(name, list(known), 1)
    return f"; did you mean “{near[0]}”?" if near else ""
