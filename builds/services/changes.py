"""What a push changed: everything since the branch last passed, so that nothing that failed is left out afterwards."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from builds.models import Build
from builds.models.build import Trigger
from builds.states import Status
from runners.checkout import changed_paths
from runners.contract import Unreadable


def changed_in(build: Build, commit: str, files: Iterable[str | Unreadable], mirror: Path) -> tuple[str, ...] | None:
    """The paths that differ from the branch's last passed build, or else from the default branch's; None = not known.

    Only asked where a file could want to know: it costs a process.
    """
    if not any(isinstance(text, str) and _wants_to_know(text) for text in files):
        return None
    base = _last_passed(build, ref=build.ref)
    if not base and build.ref.startswith("refs/tags/"):
        # The commit of a tag was mostly built before it was tagged: of the branch that it is on it would change nothing.
        base = _last_passed(build, ref__startswith="refs/tags/")
    base = base or _last_passed(build, ref=f"refs/heads/{build.project.default_branch}")
    return changed_paths(mirror, base, commit) if base else None


def _wants_to_know(text: str) -> bool:
    return ("paths" in text and "when" in text) or "irreversible" in text


def _last_passed(build: Build, **of: str) -> str:
    passed = Build.objects.filter(project=build.project_id, status=Status.PASSED, number__lt=build.number, **of)
    return passed.order_by("-number").values_list("commit", flat=True).first() or ""


def event_of(build: Build) -> str:
    """What asked for it, in the words of `when: {event: ...}`; run again, it is what it was."""
    if build.ref.startswith("refs/tags/"):
        return "tag"
    if build.pull_request is not None:
        return "pull_request"
    asked = build.trigger
    if asked == Trigger.RESTART and build.restart_of is not None:
        asked = build.restart_of.trigger
    return asked if asked in (Trigger.SCHEDULE, Trigger.MANUAL, Trigger.PULL_REQUEST) else "push"
