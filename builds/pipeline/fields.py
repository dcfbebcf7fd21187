"""Values out of nodes: each reader says what it wanted and where, and gives something harmless where it was not there."""

from __future__ import annotations

import re

from builds.pipeline import command
from builds.pipeline.nodes import Entry, Mapping, Node, Scalar, Sequence
from builds.pipeline.report import Report, clean

_YES = frozenset({"true", "yes", "on", "y", "1"})
_NO = frozenset({"false", "no", "off", "n", "0", ""})
_DURATION = re.compile(r"(?:(\d{1,4})h)?(?:(\d{1,5})m)?(?:(\d{1,6})s)?")
MAX_SECONDS = 24 * 3600


def text(entry: Entry, report: Report) -> str:
    """One word or line, as it was spelled; "" where nothing was written."""
    return _scalar(entry.node, entry.key, report)


def texts(entry: Entry, report: Report) -> tuple[str, ...]:
    """A text, or a list of them; nothing counts as an empty list."""
    node = entry.node
    if isinstance(node, Sequence):
        return tuple(_scalar(item, entry.key, report) for item in node.items)
    if isinstance(node, Scalar):
        return () if node.is_null else (node.text,)
    report.error(f"`{entry.key}` needs a text or a list of texts, not {_kind(node)}", node, key=entry.key)
    return ()


def values(entry: Entry, report: Report) -> tuple[str, ...]:
    """A text, a list of texts, or what a map has under its keys."""
    if isinstance(entry.node, Mapping):
        return tuple(_scalar(item.node, item.key, report) for item in entry.node.entries)
    return texts(entry, report)


def flag(entry: Entry, report: Report) -> bool:
    """True or false, in every spelling of YAML."""
    word = _scalar(entry.node, entry.key, report).lower()
    if word not in _YES | _NO and isinstance(entry.node, Scalar) and not entry.node.is_null:
        report.error(f"`{entry.key}` needs true or false, not `{clean(word, 80)}`", entry.node, key=entry.key)
    return word in _YES


def pairs(entry: Entry, report: Report) -> dict[str, str]:
    """A map, or a list of NAME=value; a NAME alone in a list is left to what the step already has."""
    node = entry.node
    if isinstance(node, Scalar) and node.is_null:
        return {}
    found: dict[str, str] = {}
    if isinstance(node, Mapping):
        for item in node.entries:
            found[_name(item.key, item, report)] = _scalar(item.node, item.key, report)
    elif isinstance(node, Sequence):
        for word in node.items:
            name, separator, value = _scalar(word, entry.key, report).partition("=")
            if separator:
                found[_name(name, word, report)] = value
    else:
        report.error(f"`{entry.key}` needs a map or a list of NAME=value", node, key=entry.key)
    found.pop("", None)
    return found


def argv(entry: Entry, report: Report) -> tuple[str, ...] | None:
    """A program and its arguments: a list as it is, a text split like a shell would; None where nothing was written."""
    node = entry.node
    if isinstance(node, Sequence):
        return texts(entry, report)
    line = _scalar(node, entry.key, report)
    if isinstance(node, Scalar) and node.is_null:
        return None
    try:
        return command.split(line)
    except command.UnclosedQuoteError as error:
        report.error(f"`{entry.key}`: {error}", node, key=entry.key)
        return None


def number(entry: Entry, most: int, report: Report) -> int | None:
    """A whole number from 0 to `most`."""
    word = _scalar(entry.node, entry.key, report).strip()
    if not re.fullmatch(r"\d{1,4}", word) or int(word) > most:
        report.error(f"`{entry.key}` needs a number from 0 to {most}", entry.node, key=entry.key)
        return None
    return int(word)


def seconds(entry: Entry, report: Report) -> int | None:
    """A duration such as 90s, 3m or 1h30m, at least a second and at most a day."""
    word = _scalar(entry.node, entry.key, report).strip()
    found = _DURATION.fullmatch(word)
    total = sum(int(part or 0) * unit for part, unit in zip(found.groups(), (3600, 60, 1), strict=True)) if found else 0
    if not 0 < total <= MAX_SECONDS:
        report.error(f"`{entry.key}` needs a duration such as 90s, 3m or 1h30m, at most 24h", entry.node, key=entry.key)
        return None
    return total


def _scalar(node: Node, key: str, report: Report) -> str:
    if isinstance(node, Scalar):
        return "" if node.is_null else node.text
    report.error(f"`{key}` needs a text, not {_kind(node)}", node, key=key)
    return ""


def _name(name: str, place: Entry | Node, report: Report) -> str:
    name = name.strip()
    if not name or "=" in name:
        report.error("a variable needs a name without `=`", place)
        return ""
    return name


def _kind(node: Node) -> str:
    return "a list" if isinstance(node, Sequence) else "a map" if isinstance(node, Mapping) else "a text"
