"""A map of another system's file, read key by key: what nobody read becomes a note, so that nothing is lost silently."""

from __future__ import annotations

from collections.abc import Iterator

from builds.imports.notes import Notes
from builds.pipeline.nodes import Entry, Mapping, Mark, Node, Scalar, Sequence


class Part:
    """One map. Values of the wrong shape read as nothing, and are noted."""

    def __init__(self, node: Node | None, notes: Notes, what: str = "") -> None:
        self.node = node if isinstance(node, Mapping) else Mapping((), node.mark if node is not None else Mark())
        self.notes = notes
        self._what = what
        self._read: set[str] = set()

    def entry(self, key: str) -> Entry | None:
        """The entry, which counts as read."""
        self._read.add(key)
        found = self.node.get(key)
        return None if found is None or (isinstance(found.node, Scalar) and found.node.is_null) else found

    def has(self, key: str) -> bool:
        """Whether there is something; this does not count as reading."""
        return self.node.get(key) is not None

    def text(self, key: str) -> str:
        """One text; "" without."""
        entry = self.entry(key)
        if entry is None:
            return ""
        if not isinstance(entry.node, Scalar):
            self.notes.add(f"`{key}` was not carried over: a text was expected", entry)
            return ""
        return entry.node.text

    def texts(self, key: str) -> list[str]:
        """A text or a list of texts; lists in lists are flattened, as anchors make them."""
        entry = self.entry(key)
        return list(_texts(entry.node)) if entry else []

    def pairs(self, key: str) -> dict[str, str]:
        """A map of names and texts."""
        entry = self.entry(key)
        if entry is None:
            return {}
        found = {}
        for one in entry.node.entries if isinstance(entry.node, Mapping) else ():
            node = one.node.get("value") if isinstance(one.node, Mapping) else one
            if node is not None and isinstance(node.node, Scalar):
                found[one.key] = node.node.text
        return found

    def part(self, key: str) -> Part:
        """The map of the key; empty without."""
        entry = self.entry(key)
        return Part(entry.node if entry else None, self.notes, key)

    def parts(self, key: str) -> list[tuple[str, Part]]:
        """The maps below the key by name."""
        entry = self.entry(key)
        entries = entry.node.entries if entry and isinstance(entry.node, Mapping) else ()
        return [(one.key, Part(one.node, self.notes, one.key)) for one in entries]

    def items(self, key: str) -> list[Node]:
        """What the list of the key holds; a single one counts as a list."""
        entry = self.entry(key)
        if entry is None:
            return []
        return list(entry.node.items) if isinstance(entry.node, Sequence) else [entry.node]

    def pass_over(self, *keys: str) -> None:
        """Keys that change nothing here, and need no note."""
        self._read.update(keys)

    def finish(self) -> None:
        """Note what was not read."""
        for entry in self.node.entries:
            if entry.key not in self._read:
                where = f" of `{self._what}`" if self._what else ""
                self.notes.add(f"`{entry.key}`{where} was not carried over", entry)


def _texts(node: Node) -> Iterator[str]:
    if isinstance(node, Scalar):
        if not node.is_null:
            yield node.text
    elif isinstance(node, Sequence):
        for item in node.items:
            yield from _texts(item)
