"""What other systems write into commands, values and keys, in our words."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping

from builds.imports.notes import Notes
from builds.imports.writing import Value
from builds.pipeline.nodes import Node

_HOLE = re.compile(r"\$\{\{\s*(.{1,300}?)\s*\}\}")
_FACTS = {
    "github.sha": "$CI_COMMIT_ID",
    "github.ref_name": "$CI_BRANCH",
    "github.head_ref": "$CI_BRANCH",
    "github.repository": "$CI_REPO_NAME",
    "github.run_number": "$CI_BUILD_NUMBER",
    "github.run_id": "$CI_BUILD_ID",
    "github.actor": "$CI_COMMITTER_USERNAME",
    "github.workspace": "/workspace",
    "runner.os": "Linux",
    "runner.arch": "X64",
    "runner.temp": "/tmp",  # noqa: S108 - of the job's container
}
_FILES = re.compile(r"hashFiles\((.*)\)")
_WORDS = {
    "github.ref_name": "{{ branch }}",
    "github.sha": "{{ commit }}",
    "runner.os": "Linux",
    "runner.arch": "{{ arch }}",
}


class Expressions:
    """GitHub's `${{ ... }}`."""

    def __init__(self, notes: Notes) -> None:
        self._notes = notes

    def shell(self, text: str, place: Node) -> str:
        """In a script."""

        def value(hole: re.Match[str]) -> str:
            word = hole[1]
            kind, _, name = word.partition(".")
            if kind == "secrets":
                self._notes.add(f"`{name}` has to be set among the project's secrets", place)
                return f"${{{name}}}"
            if kind == "env":
                return f"${{{name}}}"
            if kind == "matrix":
                return _matrix_hole(name)
            if word not in _FACTS:
                self._notes.add(f"`${{{{ {word} }}}}` was not carried over", place)
            return _FACTS.get(word, "")

        return _HOLE.sub(value, text)

    def matrix(self, text: str) -> str:
        """In a value that no shell reads: only the matrix is known there."""
        return _HOLE.sub(lambda hole: _matrix_hole(hole[1].removeprefix("matrix.")), text)

    def environment(self, values: dict[str, str], place: Node) -> tuple[dict[str, str], list[str]]:
        """Variables that are plain texts, and `NAME=value` for a shell to set, of those that stand for something."""
        plain: dict[str, str] = {}
        told: list[str] = []
        for name, value in values.items():
            filled = self.shell(value, place)
            if filled == value or "$" not in filled:
                plain[name] = filled
            elif filled != f"${{{name}}}":
                told.append(f'{name}="{filled}"')
        return plain, told

    def key(self, text: str, place: Node) -> str:
        """The key of a cache."""

        def value(hole: re.Match[str]) -> str:
            if files := _FILES.fullmatch(hole[1]):
                names = [one.strip().strip("'\"") for one in files[1].split(",")]
                return (
                    "{{ checksum " + " ".join(shlex.quote(one) if " " in one else f"'{one}'" for one in names) + " }}"
                )
            if hole[1].startswith("matrix."):
                return _matrix_hole(hole[1].removeprefix("matrix."))
            if hole[1] not in _WORDS:
                self._notes.add(f"`${{{{ {hole[1]} }}}}` in the key of a cache was not carried over", place)
            return _WORDS.get(hole[1], "")

        return _HOLE.sub(value, text.strip())


def _matrix_hole(name: str) -> str:
    return "{{ matrix." + word(name) + " }}"


def word(name: str) -> str:
    """A name that a matrix and a variable may have here."""
    return re.sub(r"\W", "_", name)


def glob(pattern: str) -> str:
    """`**` and `*` are one here, where `*` passes over `/`."""
    return re.sub(r"\*\*(/\*)?", "*", pattern)


def first_of_matrix(image: str, matrix: Mapping[str, Value]) -> tuple[str, list[str]]:
    """The image with the first values filled in, since a service has one whatever the matrix; and of which names."""
    fixed = []
    for key, values in matrix.items():
        hole = _matrix_hole(key)
        if hole in image and isinstance(values, list):
            image = image.replace(hole, str(values[0]))
            fixed.append(key)
    return image, fixed


def exports(assignments: list[str]) -> list[str]:
    """Lines of a script that set variables."""
    return [f"export {one}" for one in assignments]
