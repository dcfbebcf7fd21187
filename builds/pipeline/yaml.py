"""YAML and JSON into nodes, from strangers: bounded in size, depth and expansion, and never by PyYAML's constructors.

The only module that imports yaml. It works on the parser's events, which cost time in proportion to the text, and counts
what aliases and merge keys would expand to before anybody walks it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import yaml

from builds.pipeline.nodes import Document, Entry, Mapping, Mark, Node, Scalar, Sequence
from builds.pipeline.plan import ConfigError, Problem
from builds.pipeline.report import clean
from runners.contract import Unreadable

MAX_BYTES = 256 * 1024
MAX_DEPTH = 40  # of lists and maps in each other, aliases expanded
MAX_NODES = 20_000  # aliases and merge keys expanded
MAX_CHARACTERS = 1024 * 1024  # of all scalars, aliases and merge keys expanded

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_TAG = "tag:yaml.org,2002:"
_PLAIN_TAGS = frozenset(_TAG + name for name in ("str", "int", "float", "bool", "null", "seq", "map", "merge"))


def read(text: str | Unreadable, file: str) -> Document:
    """The nodes of the first document. Raises ConfigError for what is not YAML or larger than the limits."""
    if isinstance(text, Unreadable):
        raise _refuse(text.reason, file)
    try:
        _check_size(text, file)
        return _Composer(file).compose(yaml.parse(_as_yaml(text, file), Loader=_LOADER))
    except yaml.MarkedYAMLError as error:
        mark = _mark(error.problem_mark or error.context_mark)
        raise _refuse(f"not valid YAML: {error.problem or error.context}", file, mark) from error
    except (yaml.YAMLError, ValueError, OverflowError, RecursionError) as error:
        raise _refuse(f"not valid YAML: {str(error)[:200]}", file) from error


def _as_yaml(text: str, file: str) -> str:
    """The text without its mark of byte order; JSON without tabs, which YAML forbids and JSON has between words alone."""
    text = text.removeprefix("\ufeff")
    return text.replace("\t", " ") if file.endswith(".json") else text


def _check_size(text: str, file: str) -> None:
    if len(text) > MAX_BYTES or len(text.encode("utf-8")) > MAX_BYTES:
        raise _refuse(f"the file is larger than {MAX_BYTES // 1024} KiB", file)


def _refuse(text: str, file: str, mark: Mark = Mark(), key: str = "") -> ConfigError:  # noqa: B008 - frozen
    return ConfigError([Problem(text=clean(text), file=file, line=mark.line, column=mark.column, key=key)])


def _mark(mark: Any) -> Mark:
    return Mark(mark.line + 1, mark.column + 1) if mark is not None else Mark()


@dataclass(slots=True)
class _Weight:
    """What a node amounts to when every alias in it is written out."""

    nodes: int = 1
    characters: int = 0
    height: int = 1

    def add(self, child: _Weight) -> None:
        self.nodes += child.nodes
        self.characters += child.characters
        self.height = max(self.height, child.height + 1)


@dataclass(slots=True)
class _Open:
    """A list or map whose end has not come yet."""

    is_map: bool
    mark: Mark
    anchor: str | None
    children: list[tuple[Node, _Weight]] = field(default_factory=list)


class _Composer:
    """Makes nodes of events with a stack of its own, so that no input can exhaust Python's."""

    def __init__(self, file: str) -> None:
        self._file = file
        self._stack: list[_Open] = []
        self._anchors: dict[str, tuple[Node, _Weight] | None] = {}
        self._weights: dict[int, _Weight] = {}  # by id() of every finished list and map, which _alive keeps alive
        self._alive: list[Node] = []
        self._notices: list[Problem] = []
        self._root: Node | None = None
        self._total = _Weight(0)

    def compose(self, events: Iterator[yaml.Event]) -> Document:
        """Read to the end of the first document."""
        documents = 0
        for event in events:
            if isinstance(event, yaml.DocumentStartEvent):
                documents += 1
                if documents > 1:
                    self._notice("only the first document of the file is read", _mark(event.start_mark), "---")
                    break
            self._take(event)
        if isinstance(self._root, Scalar) and self._root.is_null:
            self._root = None
        return Document(self._file, self._root, tuple(self._notices))

    def _take(self, event: yaml.Event) -> None:
        if isinstance(event, yaml.NodeEvent):
            self._check_tag(event)
        if isinstance(event, yaml.ScalarEvent):
            self._scalar(event)
        elif isinstance(event, yaml.AliasEvent):
            self._alias(event)
        elif isinstance(event, yaml.SequenceStartEvent | yaml.MappingStartEvent):
            self._begin(event)
        elif isinstance(event, yaml.SequenceEndEvent | yaml.MappingEndEvent):
            self._end()

    def _check_tag(self, event: yaml.NodeEvent) -> None:
        tag = getattr(event, "tag", None)
        if tag not in (None, "!") and tag not in _PLAIN_TAGS:
            shown = str(tag).replace(_TAG, "!!")[:100]
            raise _refuse(f"the tag {shown} is not known here: remove it", self._file, _mark(event.start_mark))

    def _scalar(self, event: yaml.ScalarEvent) -> None:
        mark = _mark(event.start_mark)
        if "\0" in event.value:
            raise _refuse("a text must not contain a NUL character", self._file, mark)
        node = Scalar(event.value, mark, is_plain=not event.style)
        self._put(node, _Weight(characters=len(event.value)), event.anchor)

    def _alias(self, event: yaml.AliasEvent) -> None:
        mark = _mark(event.start_mark)
        if event.anchor not in self._anchors:
            raise _refuse(f"*{str(event.anchor)[:80]} names an anchor that does not exist before it", self._file, mark)
        found = self._anchors[event.anchor]
        if found is None:
            raise _refuse(f"*{str(event.anchor)[:80]} lies inside of what it names, without end", self._file, mark)
        self._put(*found)

    def _begin(self, event: yaml.CollectionStartEvent) -> None:
        mark = _mark(event.start_mark)
        self._check_depth(1, mark)
        if event.anchor:
            self._anchors[event.anchor] = None
        self._stack.append(_Open(isinstance(event, yaml.MappingStartEvent), mark, event.anchor))

    def _end(self) -> None:
        done = self._stack.pop()
        weight = _Weight()
        node: Node
        if done.is_map:
            node = self._mapping(done, weight)
        else:
            for _, child in done.children:
                weight.add(child)
            node = Sequence(tuple(item for item, _ in done.children), done.mark)
        self._weights[id(node)] = weight
        self._alive.append(node)
        self._put(node, weight, done.anchor, counted=True)

    def _put(self, node: Node, weight: _Weight, anchor: str | None = None, *, counted: bool = False) -> None:
        """Hand a finished node to what encloses it. `counted`: its children are in the total already."""
        self._spend(_Weight() if counted else weight, node.mark)
        self._check_depth(weight.height if not isinstance(node, Scalar) else 0, node.mark)
        if anchor:
            self._anchors[anchor] = (node, weight)
        if self._stack:
            self._stack[-1].children.append((node, weight))
        else:
            self._root = node

    def _mapping(self, done: _Open, weight: _Weight) -> Mapping:
        entries: dict[str, tuple[Entry, _Weight]] = {}
        explicit: dict[str, Mark] = {}
        merges: list[Node] = []
        children = iter(done.children)
        for (key, _), (value, value_weight) in zip(children, children, strict=True):
            if not isinstance(key, Scalar):
                raise _refuse("a key must be a word, not a list or a map", self._file, key.mark)
            if key.is_plain and key.text == "<<":
                merges.append(value)
                continue
            if key.text in explicit:
                first = explicit[key.text].line
                self._notice(
                    f"`{key.text[:80]}` is given twice, first in line {first}: only the last counts", key.mark, key.text
                )
            explicit[key.text] = key.mark
            entries[key.text] = (Entry(key.text, value, key.mark), value_weight)
        for entry, entry_weight in self._merged(merges):
            entries.setdefault(entry.key, (entry, entry_weight))
        for entry, entry_weight in entries.values():
            weight.add(entry_weight)
            weight.nodes += 1
            weight.characters += len(entry.key)
        return Mapping(tuple(entry for entry, _ in entries.values()), done.mark)

    def _merged(self, merges: list[Node]) -> Iterator[tuple[Entry, _Weight]]:
        """What `<<` brings in: of several, the later key wins; inside one list, the earlier map."""
        for value in reversed(merges):
            for source in value.items if isinstance(value, Sequence) else (value,):
                if not isinstance(source, Mapping):
                    raise _refuse("`<<` needs a map, or a list of maps", self._file, source.mark, "<<")
                self._spend(_Weight(len(source.entries)), source.mark)
                for entry in source.entries:
                    yield entry, self._weights.get(id(entry.node), _Weight(characters=_length(entry.node)))

    def _spend(self, weight: _Weight, mark: Mark) -> None:
        self._total.nodes += weight.nodes
        self._total.characters += weight.characters
        if self._total.nodes > MAX_NODES:
            raise _refuse(f"more than {MAX_NODES} nodes, aliases and merge keys written out", self._file, mark)
        if self._total.characters > MAX_CHARACTERS:
            raise _refuse(f"more than {MAX_CHARACTERS} characters, aliases written out", self._file, mark)

    def _check_depth(self, height: int, mark: Mark) -> None:
        if len(self._stack) + height > MAX_DEPTH:
            raise _refuse(f"nested deeper than {MAX_DEPTH} levels", self._file, mark)

    def _notice(self, text: str, mark: Mark, key: str) -> None:
        self._notices.append(
            Problem(text=clean(text), file=self._file, line=mark.line, column=mark.column, key=clean(key, 80))
        )


def _length(node: Node) -> int:
    return len(node.text) if isinstance(node, Scalar) else 0
