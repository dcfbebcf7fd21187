"""The place that this app leaves for notification rules, which a later app keeps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from accounts.models import User
from builds.models import Project


class Rules(Protocol):
    """What fills the place."""

    def told(self, project_ids: Sequence[int]) -> Mapping[int, list[dict[str, Any]]]:
        """The rules of each project, as `project_schemas.RuleOut` has them; one query."""

    def replace(self, project: Project, wanted: Sequence[Mapping[str, Any]], *, who: User) -> None:
        """Make them exactly these (`RuleIn` as dicts), in the caller's transaction; ValueError says what is wrong with one."""


_filled: list[Rules] = []


def register(rules: Rules) -> None:
    """To be called once, by a process that serves the API."""
    _filled[:] = [rules]


def told(project_ids: Sequence[int]) -> Mapping[int, list[dict[str, Any]]]:
    """The rules of each project; none where nobody keeps any."""
    return _filled[0].told(project_ids) if _filled else {}


def replace(project: Project, wanted: Sequence[Mapping[str, Any]], *, who: User) -> None:
    """Make them exactly these."""
    if _filled:
        _filled[0].replace(project, wanted, who=who)
