"""How much a file may unfold to: groups that repeat their steps, and variables that are handed down to all of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from builds.pipeline.nodes import Mapping as MappingNode
from builds.pipeline.nodes import Node, Scalar
from builds.pipeline.nodes import Sequence as SequenceNode
from builds.pipeline.report import Report

MAX_STEPS = 1000
MAX_VALUES = 20_000  # keys of steps and variables, counted wherever they arrive
MAX_CHARACTERS = 512 * 1024  # twice the largest file


class Budget:
    """Of one file; every step that is made spends of it."""

    def __init__(self, report: Report) -> None:
        self._report = report
        self._steps = 0
        self._values = 0
        self._characters = 0

    def spend(self, node: Node, environment: Mapping[str, str]) -> None:
        """Account for a step before it is read. Raises ConfigError where the file unfolds to too much."""
        entries = node.entries if isinstance(node, MappingNode) else ()
        self._steps += 1
        self._values += len(entries) + len(environment)
        texts = [entry.node for entry in entries] if entries else [node]
        self._characters += sum(len(text.text) for text in texts if isinstance(text, Scalar))
        self._characters += sum(len(name) + len(value) for name, value in environment.items())
        self._check(node)

    def spend_settings(self, node: Node) -> None:
        """Account for the settings of a target before they are looked at, with all that is in them."""
        for inner in _all(node):
            self._values += 1
            self._characters += len(inner.text) if isinstance(inner, Scalar) else 0
        self._check(node)

    def _check(self, node: Node) -> None:
        for spent, limit, what in (
            (self._steps, MAX_STEPS, "steps"),
            (self._values, MAX_VALUES, "keys and variables in its steps"),
            (self._characters, MAX_CHARACTERS, "characters in its steps"),
        ):
            if spent > limit:
                self._report.error(f"the file unfolds to more than {limit} {what}", node)
                self._report.raise_errors()


def _all(node: Node) -> Iterator[Node]:
    """The node and everything in it."""
    yield node
    inner = [entry.node for entry in node.entries] if isinstance(node, MappingNode) else ()
    for below in node.items if isinstance(node, SequenceNode) else inner:
        yield from _all(below)
