"""One pipeline as several jobs: `matrix` fills values in, `parallelism` numbers equal copies."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from builds.pipeline.nodes import Entry, Node, Scalar, Sequence
from builds.pipeline.nodes import Mapping as MappingNode
from builds.pipeline.report import Report, clean

MAX_COPIES = 50
MAX_NODES = 200_000  # of all copies of one pipeline together
_KEYS = ("matrix", "parallelism")
_HOLE = re.compile(r"\{\{\s*matrix\.([\w-]{1,60})\s*\}\}")
_NAME = re.compile(r"[A-Za-z_]\w{0,59}")


@dataclass(frozen=True)
class Copy:
    """One of them: its name, its map with everything filled in, and its variables."""

    name: str
    node: MappingNode
    environment: Mapping[str, str] = field(default_factory=dict)


def copies(name: str, node: MappingNode, report: Report) -> list[Copy]:
    """The pipeline as often as it runs: once, where it says nothing of it."""
    combinations = _combinations(node.get("matrix"), report)
    number = _parallelism(node.get("parallelism"), report)
    if len(combinations) * number > MAX_COPIES:
        report.error(f"`matrix` and `parallelism` come to more than {MAX_COPIES} jobs", node)
        return []
    plain = MappingNode(tuple(entry for entry in node.entries if entry.key not in _KEYS), node.mark)
    if len(combinations) * _weight(plain) > MAX_NODES:
        report.error("the pipeline is too large for so many copies of it", node)
        return []
    found = []
    for values in combinations:
        filled = plain if not values else _filled(plain, values, report)
        variables = {f"MATRIX_{key.upper()}": value for key, value in values.items()}
        named = f"{name} ({', '.join(values.values())})" if values else name
        found += [Copy(*one) for one in _numbered(named, filled, variables, number)]
    return found


def _numbered(
    name: str, node: MappingNode, variables: dict[str, str], number: int
) -> Iterator[tuple[str, MappingNode, dict[str, str]]]:
    if number == 1:
        yield name, node, variables
        return
    for index in range(number):
        place = {"CI_NODE_INDEX": str(index), "CI_NODE_TOTAL": str(number)}
        yield f"{name} {index + 1}/{number}", node, {**variables, **place}


def _parallelism(entry: Entry | None, report: Report) -> int:
    if entry is None:
        return 1
    text = entry.node.text if isinstance(entry.node, Scalar) else ""
    if not re.fullmatch(r"[1-9]\d?", text) or int(text) > MAX_COPIES:
        report.error(f"`parallelism` needs a number from 1 to {MAX_COPIES}", entry)
        return 1
    return int(text)


def _combinations(entry: Entry | None, report: Report) -> list[dict[str, str]]:
    """Every combination of the values, without what `exclude` names; [{}] where there is no matrix."""
    if entry is None:
        return [{}]
    if not isinstance(entry.node, MappingNode) or not entry.node.entries:
        report.error("`matrix` needs a map of names and lists of values", entry)
        return [{}]
    axes = {one.key: _values(one, report) for one in entry.node.entries if one.key not in ("exclude", "include")}
    if any(not values for values in axes.values()):
        return [{}]
    total = 1
    for values in axes.values():
        total *= len(values)
    if total > 10 * MAX_COPIES:
        report.error(f"`matrix` has {total} combinations, at most {MAX_COPIES} can run", entry)
        return [{}]
    combined = [dict(zip(axes, values, strict=True)) for values in itertools.product(*axes.values())] if axes else []
    left_out = _rows(entry.node.get("exclude"), report)
    kept = [one for one in combined if not any(row.items() <= one.items() for row in left_out)]
    found = [*kept, *_rows(entry.node.get("include"), report)]
    if not found:
        report.error("`matrix` leaves nothing to run", entry)
    return found or [{}]


def _values(entry: Entry, report: Report) -> list[str]:
    items = entry.node.items if isinstance(entry.node, Sequence) else ()
    values = [item.text for item in items if isinstance(item, Scalar) and len(item.text) <= 200]
    if not _NAME.fullmatch(entry.key) or not values or len(values) != len(items):
        report.error(f"`{clean(entry.key, 80)}` of a matrix needs a list of short texts", entry)
        return []
    return list(dict.fromkeys(values))


def _rows(entry: Entry | None, report: Report) -> list[dict[str, str]]:
    """The maps under `exclude` or `include`."""
    if entry is None:
        return []
    items = entry.node.items if isinstance(entry.node, Sequence) else (entry.node,)
    rows: list[dict[str, str]] = []
    for item in items:
        pairs = item.entries if isinstance(item, MappingNode) else ()
        row = {one.key: one.node.text for one in pairs if isinstance(one.node, Scalar) and _NAME.fullmatch(one.key)}
        if not row or len(row) != len(pairs):
            report.error(f"`{entry.key}` of a matrix needs maps of names and values", item, key=entry.key)
        else:
            rows.append(row)
    return rows[: MAX_COPIES + 1]


def _filled(node: MappingNode, values: Mapping[str, str], report: Report) -> MappingNode:
    """A copy whose texts have the values in the place of `{{ matrix.name }}`."""

    def value(hole: re.Match[str]) -> str:
        if hole[1] not in values:
            report.error(f"`{{{{ matrix.{hole[1]} }}}}`: {report.did_you_mean(hole[1], values)}", node)
        return values.get(hole[1], "")

    def walk(one: Node) -> Node:
        if isinstance(one, Scalar):
            text = _HOLE.sub(value, one.text) if "{{" in one.text else one.text
            return one if text is one.text else Scalar(text, one.mark)
        if isinstance(one, Sequence):
            return Sequence(tuple(walk(item) for item in one.items), one.mark)
        return MappingNode(tuple(Entry(entry.key, walk(entry.node), entry.mark) for entry in one.entries), one.mark)

    return MappingNode(tuple(Entry(entry.key, walk(entry.node), entry.mark) for entry in node.entries), node.mark)


def _weight(node: Node) -> int:
    if isinstance(node, Sequence):
        return 1 + sum(_weight(item) for item in node.items)
    if isinstance(node, MappingNode):
        return 1 + sum(_weight(entry.node) for entry in node.entries)
    return 1
