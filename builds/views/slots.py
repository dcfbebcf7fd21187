"""Places in the pages of this app that later apps fill: they `register` a callable in their `ready()`.

    project_row   Sequence[Project] -> {project pk: safe HTML}   in the row of a project: what is live in production
    build_page    Sequence[Build]   -> {build pk: safe HTML}     under the verdict of a build: where its release went
    project_settings  Sequence[Project] -> {project pk: safe HTML}   under the secrets: those of one environment

A callable is asked once a page with everything on it, so that a page stays at a constant number of queries.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from django.utils.safestring import SafeString, mark_safe

Filler = Callable[[Sequence[Any]], Mapping[int, SafeString]]

_slots: dict[str, list[Filler]] = {"project_row": [], "build_page": [], "project_settings": []}


def register(slot: str, filler: Filler) -> None:
    """Have `filler` asked for `slot`; KeyError where there is no such slot."""
    if filler not in _slots[slot]:
        _slots[slot].append(filler)


def fill(slot: str, rows: Sequence[Any]) -> dict[int, SafeString]:
    """What later apps say of each of `rows`, by primary key; nothing is left out."""
    answers = [filler(rows) for filler in _slots[slot]] if rows else []
    said = {row.pk: "".join(answer.get(row.pk, "") for answer in answers) for row in rows}
    return {pk: mark_safe(text) for pk, text in said.items()}  # noqa: S308  # fillers give safe HTML
