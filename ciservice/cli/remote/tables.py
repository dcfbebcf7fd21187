"""Tables: with rich where a person looks on, tabs between plain words where a program reads, or JSON."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from importlib import import_module
from typing import Any

import click

COLOURS = {
    **dict.fromkeys(("passed", "live"), "green"),
    **dict.fromkeys(("failed", "rolled_back"), "red"),
    **dict.fromkeys(("errored", "unknown"), "magenta"),
    **dict.fromkeys(("running", "rolling_out", "verifying", "rolling_back", "waiting"), "yellow"),
}


def show_json(document: object) -> None:
    """One document."""
    click.echo(json.dumps(document, ensure_ascii=False, indent=2 if sys.stdout.isatty() else None))


def show_table(head: Sequence[str], rows: Sequence[Sequence[object]], *, otherwise: str) -> None:
    """Rows under a head; `otherwise` is said to a person where there are none. A cell that is a state has its colour."""
    if not sys.stdout.isatty():
        for row in rows:
            click.echo("\t".join(_plain(cell) for cell in row))
        return
    if not rows:
        click.echo(otherwise)
        return
    # Only here: they take longer to load than all the rest.
    box, text = import_module("rich.box"), import_module("rich.text")
    table = import_module("rich.table").Table(*head, box=box.SIMPLE_HEAD, pad_edge=False)
    for row in rows:
        table.add_row(*(text.Text(_plain(cell), COLOURS.get(str(cell), "")) for cell in row))
    import_module("rich.console").Console().print(table)


def moment(text: str | None) -> datetime | None:
    """A time of the API."""
    return datetime.fromisoformat(text) if text else None


def took(start: str | None, end: str | None) -> str:
    """From one time to another, or up to now: "2m 14s"; "" before it began."""
    begun = moment(start)
    return "" if begun is None else length((moment(end) or datetime.now(UTC)) - begun)


def ago(text: str | None) -> str:
    """How long ago: "3h ago"."""
    then = moment(text)
    return "" if then is None else f"{length(datetime.now(UTC) - then).split(' ')[0]} ago"


def length(time: timedelta) -> str:
    """ "2m 14s", "3h 5m", "12d 4h"."""
    seconds = max(0, int(time.total_seconds()))
    for unit, name, part, part_name in ((86400, "d", 3600, "h"), (3600, "h", 60, "m"), (60, "m", 1, "s")):
        if seconds >= unit:
            return f"{seconds // unit}{name} {seconds % unit // part}{part_name}"
    return f"{seconds}s"


def _plain(cell: Any) -> str:
    """On one line, and nothing that moves a cursor."""
    text = "" if cell is None else str(cell)
    return "".join(character if character.isprintable() else " " for character in text)
