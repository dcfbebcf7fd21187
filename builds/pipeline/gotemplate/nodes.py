"""The shape of a template: what the parser makes and the evaluator walks."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Text:
    """What is passed on as it is."""

    text: str


@dataclass(frozen=True, slots=True)
class Operand:
    """A value: a literal, `.`, `$name`, a function's name or a pipeline in parentheses, and `.Fields` of it."""

    base: Literal | Dot | Variable | Function | Pipeline
    fields: tuple[str, ...]
    position: int


@dataclass(frozen=True, slots=True)
class Literal:
    """A word in quotes, a number, true or false."""

    value: str | int | float | bool


@dataclass(frozen=True, slots=True)
class Dot:
    """What `.` is at this place."""


@dataclass(frozen=True, slots=True)
class Variable:
    """`$name`; `$` alone is the dot that the template began with."""

    name: str


@dataclass(frozen=True, slots=True)
class Function:
    """A function of Go's."""

    name: str


@dataclass(frozen=True, slots=True)
class Command:
    """An operand and what it is given."""

    words: tuple[Operand, ...]


@dataclass(frozen=True, slots=True)
class Pipeline:
    """Commands, each of which is given the result of the one before. `variable` keeps the last one's; "" = none."""

    commands: tuple[Command, ...]
    variable: str = ""
    declares: bool = False
    position: int = 0


@dataclass(frozen=True, slots=True)
class Branch:
    """`if`, or `with`, in which `.` is the value that was asked about."""

    pipeline: Pipeline
    then: tuple[Node, ...]
    otherwise: tuple[Node, ...]
    is_with: bool


Node = Text | Pipeline | Branch
