"""The table: for the terminal, and between the marks of docs/performance.md."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from benchmarks.figures import Spread
from benchmarks.rows import Row

BEGIN, END = "<!-- figures: written by `make bench` -->", "<!-- end of figures -->"
HEAD = ("what", "raw work", "ours", "ours / raw", "Buildbot 4.3", "target", "met")


def number(value: float) -> str:
    """Three digits that mean something."""
    if value >= 100:
        return f"{value:.0f}"
    return f"{value:.2f}" if value >= 1 else f"{value:.3f}"


def spread(figures: Spread, unit: str) -> str:
    """median unit (least to p95, count)."""
    if len(figures.values) == 1:
        return f"{number(figures.median)} {unit}".strip()
    return (
        f"{number(figures.median)} {unit}".strip()
        + f" ({number(figures.least)} to {number(figures.p95)}, n={len(figures.values)})"
    )


def cells(row: Row) -> tuple[str, ...]:
    """The row in the order of HEAD."""
    held = {True: "yes", False: "**no**", None: ""}[row.is_met]
    ours = spread(row.ours, row.unit)
    if row.target and row.target.p != 50:
        ours += f", p{row.target.p:g} {number(row.value)}"
    return (
        row.what + (f"; {row.note}" if row.note else ""),
        spread(row.raw, row.unit) if row.raw else "-",
        ours,
        f"{row.ratio:.2f}" if row.ratio is not None else "-",
        row.buildbot or "-",
        row.target.text(row.unit) if row.target else "-",
        held,
    )


def table(rows: Sequence[Row]) -> str:
    """Markdown, its columns in line."""
    lines = [HEAD, *(cells(row) for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(HEAD))]
    padded = [
        "| " + " | ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)) + " |" for line in lines
    ]
    rule = "|" + "|".join("-" * (width + 2) for width in widths) + "|"
    return "\n".join([padded[0], rule, *padded[1:]])


def write_between_marks(path: Path, text: str) -> None:
    """Replace what stands between the marks; ValueError where the page has none."""
    page = path.read_text()
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"{path} has no place for figures")
    path.write_text(f"{before}{BEGIN}\n\n{text}\n\n{END}{after}")
