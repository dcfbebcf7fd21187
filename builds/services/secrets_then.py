"""Which secrets differ from those that a build ran with: by name, from keyed hashes; no value is told."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from builds.models import Build, Secret
from builds.services.project_key import key_of
from builds.services.record_of import PROJECT_KEY, hashes, keyed_by

_SENTENCES = {
    "changed": "has another value than then",
    "gone": "was there then, and is not any more",
    "new": "was not there then",
    "unknown": "cannot be compared: this instance's SECRET_KEY was changed since",
}


@dataclass(frozen=True)
class SecretChange:
    """One secret that is not as it was."""

    name: str
    how: str  # changed, gone, new or unknown

    def __str__(self) -> str:
        what = "The project's key" if self.name == PROJECT_KEY else f"The secret {self.name}"
        return f"{what} {_SENTENCES[self.how]}."


def secret_changes(build: Build, records: Sequence[dict[str, Any]]) -> list[SecretChange]:
    """What differs between the secrets of then and today's, by name; `records` are those of the build's jobs."""
    if not records:
        return []
    then: dict[str, str] = {}
    for record in records:
        then |= record["secrets"]["hashes"]
    today = {} if build.from_fork else hashes(str(build.project.uuid), _todays(build))
    is_comparable = all(record["secrets"]["keyed_by"] == keyed_by() for record in records)
    return [
        SecretChange(name, how)
        for name in sorted(then.keys() | today.keys())
        if (how := _how(then.get(name), today.get(name), is_comparable=is_comparable))
    ]


def _how(then: str | None, today: str | None, *, is_comparable: bool) -> str:
    if today is None:
        return "gone"
    if then is None:
        return "new"
    if not is_comparable:
        return "unknown"
    return "" if then == today else "changed"


def _todays(build: Build) -> dict[str, str]:
    secrets = dict(Secret.objects.filter(project=build.project_id).values_list("name", "value"))
    key = key_of(build.project_id)
    return {**secrets, **({PROJECT_KEY: key} if key else {})}
