"""Which secrets differ from those that a build or deployment ran with: by name, from keyed hashes; no value is told."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from builds.models import Build, SecretKind
from builds.services.project_key import key_of
from builds.services.record_of import PROJECT_KEY, hashes, keyed_by
from builds.services.secrets_for import given, place_of

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


def fingerprint(build: Build, environment: str = "", *, with_plain: bool = False) -> dict[str, Any]:
    """What a job of this build would be given today, as a record has it: {"keyed_by": ..., "hashes": {name: keyed hash}}.

    With an environment's own, and `with_plain` with the plain variables, which a build keeps among its variables.
    """
    project, found = build.project, given(build.project, place_of(build), environment)
    values = {each.name: each.value for each in found if with_plain or each.kind != SecretKind.VARIABLE}
    if key := key_of(project.pk):
        values[PROJECT_KEY] = key
    return {"keyed_by": keyed_by(), "hashes": hashes(str(project.uuid), values)}


def secret_changes(build: Build, records: Sequence[dict[str, Any]]) -> list[SecretChange]:
    """What differs between the secrets of then and today's, by name; `records` are those of the build's jobs."""
    if not records:
        return []
    today = {} if build.from_fork else fingerprint(build)["hashes"]
    return differences([record["secrets"] for record in records], today)


def differences(fingerprints: Sequence[Mapping[str, Any]], today: Mapping[str, str]) -> list[SecretChange]:
    """What differs between secrets of then, as `fingerprint` told them, and the hashes of today's; by name."""
    then: dict[str, str] = {}
    for each in fingerprints:
        then |= each["hashes"]
    is_comparable = all(each["keyed_by"] == keyed_by() for each in fingerprints)
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
