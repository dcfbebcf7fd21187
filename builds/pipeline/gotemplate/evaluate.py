"""Nodes and values into text. No template runs longer than it is written; what it makes is spent from a budget."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from builds.pipeline.gotemplate.errors import TemplateError
from builds.pipeline.gotemplate.functions import FUNCTIONS, Value, printed, truth
from builds.pipeline.gotemplate.nodes import (
    Branch,
    Command,
    Dot,
    Function,
    Literal,
    Node,
    Operand,
    Pipeline,
    Text,
    Variable,
)
from builds.pipeline.gotemplate.times import METHODS, Moment

MAX_OUTPUT = 64 * 1024
MAX_TOTAL = 4 * 1024 * 1024  # characters that all templates of one file make, on the way and in the end

Fields = Mapping[str, Value]
_Any = Value | Fields


class Purse:
    """What the templates of one file may still make."""

    def __init__(self) -> None:
        self._left = MAX_TOTAL

    def spend(self, characters: int) -> None:
        """Raises TemplateError where nothing is left."""
        self._left -= characters
        if characters > MAX_OUTPUT:
            raise TemplateError(f"the template makes a text of more than {MAX_OUTPUT} characters")
        if self._left < 0:
            raise TemplateError(f"the templates of this file make more than {MAX_TOTAL} characters")


def evaluate(nodes: Sequence[Node], fields: Fields, purse: Purse) -> str:
    """The text. Raises TemplateError."""
    evaluation = _Evaluation(fields, purse)
    evaluation.walk(nodes, fields)
    return "".join(evaluation.out)


class _Evaluation:
    def __init__(self, fields: Fields, purse: Purse) -> None:
        self._variables: list[dict[str, _Any]] = [{"$": fields}]  # innermost last
        self._purse = purse
        self._length = 0
        self.out: list[str] = []

    def walk(self, nodes: Sequence[Node], dot: _Any) -> None:
        self._variables.append({})
        for node in nodes:
            if isinstance(node, Text):
                self._write(node.text)
            elif isinstance(node, Branch):
                self._branch(node, dot)
            else:
                value = self._pipeline(node, dot)
                if not node.variable:
                    self._write(printed(_plain(value, node.position)))
        self._variables.pop()

    def _branch(self, node: Branch, dot: _Any) -> None:
        self._variables.append({})  # what the condition declares ends with the branch
        value = self._pipeline(node.pipeline, dot)
        holds = bool(value) if isinstance(value, Mapping) else truth(value)
        self.walk(node.then if holds else node.otherwise, value if holds and node.is_with else dot)
        self._variables.pop()

    def _write(self, text: str) -> None:
        self._length += len(text)
        self._purse.spend(len(text))
        if self._length > MAX_OUTPUT:
            raise TemplateError(f"the template makes a text of more than {MAX_OUTPUT} characters")
        self.out.append(text)

    def _pipeline(self, node: Pipeline, dot: _Any) -> _Any:
        value: _Any | None = None
        for command in node.commands:
            value = self._command(command, dot, value)
            self._purse.spend(len(value) if isinstance(value, str) else 1)
        if value is None:
            raise TemplateError("a value is missing", node.position)
        if node.variable:
            self._keep(node, value)
        return value

    def _keep(self, node: Pipeline, value: _Any) -> None:
        if node.declares:
            self._variables[-1][node.variable] = value
            return
        scope = next((scope for scope in reversed(self._variables) if node.variable in scope), None)
        if scope is None:
            raise TemplateError(f"`{node.variable}` is not declared: {node.variable} := …", node.position)
        scope[node.variable] = value

    def _command(self, command: Command, dot: _Any, piped: _Any | None) -> _Any:
        first, *rest = command.words
        extra = [] if piped is None else [piped]
        try:
            if isinstance(first.base, Function):
                return self._call(first, [*(self._operand(word, dot, []) for word in rest), *extra])
            if (rest or extra) and not first.fields:
                raise TemplateError("only a function or a method can be given values")
            return self._operand(first, dot, [*(self._operand(word, dot, []) for word in rest), *extra])
        except TemplateError as error:
            if "(character" in str(error):
                raise
            raise TemplateError(str(error), first.position, word=error.word, known=error.known) from None

    def _call(self, operand: Operand, values: list[_Any]) -> Value:
        name = operand.base.name if isinstance(operand.base, Function) else ""
        if name not in FUNCTIONS:
            raise TemplateError(f"there is no function `{name[:40]}`", word=name, known=FUNCTIONS)
        if operand.fields:
            raise TemplateError(f"`{name}.{operand.fields[0][:40]}` has no meaning")
        return FUNCTIONS[name]([_plain(value, operand.position) for value in values])

    def _operand(self, operand: Operand, dot: _Any, arguments: list[_Any]) -> _Any:
        value = self._base(operand, dot)
        *others, last = operand.fields or ("",)
        for name in others:
            value = _field(value, name, [], operand.position)
        return _field(value, last, arguments, operand.position) if last else value

    def _base(self, operand: Operand, dot: _Any) -> _Any:
        base = operand.base
        if isinstance(base, Literal):
            return base.value
        if isinstance(base, Dot):
            return dot
        if isinstance(base, Pipeline):
            return self._pipeline(base, dot)
        if isinstance(base, Variable):
            scope = next((scope for scope in reversed(self._variables) if base.name in scope), None)
            if scope is None:
                raise TemplateError(f"`{base.name[:40]}` is not declared", operand.position)
            return scope[base.name]
        return self._call(operand, [])


def _field(value: _Any, name: str, arguments: list[_Any], position: int) -> _Any:
    """A field of the push, or what a method of a time says."""
    if isinstance(value, Moment):
        if name not in METHODS:
            raise TemplateError(f"a time has no `.{name[:40]}`", position, word=name, known=METHODS)
        return value.call(name, list(arguments))
    if not isinstance(value, Mapping):
        raise TemplateError(f"`.{name[:40]}`: there is nothing in a text or a number", position)
    if name not in value:
        raise TemplateError(f"there is no `.{name[:40]}`", position, word=name, known=value)
    if arguments:
        raise TemplateError(f"`.{name}` takes nothing", position)
    return value[name]


def _plain(value: _Any, position: int) -> Value:
    if isinstance(value, Mapping):
        raise TemplateError("`.` alone is no text: name one of its fields, such as `.Branch`", position)
    return value
