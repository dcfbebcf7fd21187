"""The shape of a configuration file: what yaml.py reads and everything else in this package looks at."""

from __future__ import annotations

from dataclasses import dataclass, field

from builds.pipeline.plan import Problem


@dataclass(frozen=True, slots=True)
class Mark:
    """A place in a file; 1-based, 0 = the file as a whole."""

    line: int = 0
    column: int = 0


@dataclass(frozen=True, slots=True)
class Scalar:
    """A word as it was written: `10.10`, `yes` and `0o7` keep their spelling."""

    text: str
    mark: Mark = Mark()
    is_plain: bool = False

    @property
    def is_null(self) -> bool:
        """Nothing was written, or null."""
        return self.is_plain and self.text in ("", "~", "null", "Null", "NULL")


@dataclass(frozen=True, slots=True)
class Sequence:
    """A list."""

    items: tuple[Node, ...]
    mark: Mark = Mark()


@dataclass(frozen=True, slots=True)
class Entry:
    """One key of a mapping and what it holds; the mark is the key's."""

    key: str
    node: Node
    mark: Mark = Mark()


@dataclass(frozen=True, slots=True)
class Mapping:
    """A map in the order it was written, merge keys resolved, each key once."""

    entries: tuple[Entry, ...]
    mark: Mark = Mark()

    def get(self, key: str) -> Entry | None:
        """The entry of that key."""
        return next((entry for entry in self.entries if entry.key == key), None)


Node = Scalar | Sequence | Mapping


@dataclass(frozen=True, slots=True)
class Document:
    """A file that was read. `notices` are what one dialect forgives and the other does not: keys given twice."""

    file: str
    root: Node | None  # None = empty
    notices: tuple[Problem, ...] = field(default=())
