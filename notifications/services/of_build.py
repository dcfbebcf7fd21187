"""A build's move, as news and in words."""

from __future__ import annotations

from datetime import datetime

from builds.addresses import build_url
from builds.models import Build
from builds.services.reported import failed_tests
from builds.services.verdict import Verdict, newest_steps, verdict
from builds.states import BROKEN, Status
from notifications.models import Event
from notifications.services.excerpt import excerpt
from notifications.services.happening import Happening, Words
from notifications.services.texts import one_line, shortened

# What a move may be news of, by the state that it leads to; to any other it is never news.
NEWS: dict[str, frozenset[Event]] = {
    Status.RUNNING: frozenset({Event.STARTED}),
    Status.PASSED: frozenset({Event.RECOVERED, Event.PASSED, Event.BUDGET}),
    Status.FAILED: frozenset({Event.FAILED, Event.BUDGET}),
    Status.ERRORED: frozenset({Event.FAILED}),
    Status.CANCELLED: frozenset({Event.FAILED}),
}
_DECIDED = (Status.PASSED, Status.FAILED, Status.ERRORED)


def of_build(build: Build, *, to: str, who: str, at: datetime) -> Happening | None:
    """The news in a build's move to `to` by `who`; None where it is none."""
    events = _events(build, to, who)
    if not events:
        return None
    return Happening(
        project=build.project,
        branch=build.branch,
        about=build.uuid,
        events=events,
        at=at,
        committer=build.author_email,
        username=build.author_username,
        build=build,
        words=lambda event: _words(build, event),
    )


def facts(build: Build) -> str:
    """Where it happened, a fact a line."""
    message = next((line for line in build.message.splitlines() if line.strip()), "")
    lines = [
        f"{one_line(build.project.name, 140)}, build {build.number}",
        f"{one_line(build.branch, 100)} {build.commit[:7]}: {one_line(message, 200)}",
        f"by {one_line(build.author_name or build.author_username or 'somebody', 100)}",
    ]
    return "\n".join(lines)


def _events(build: Build, to: str, who: str) -> tuple[Event, ...]:
    if to == Status.RUNNING:
        return (Event.STARTED,)
    if to == Status.PASSED:
        return (Event.RECOVERED, Event.PASSED) if _was_broken(build) else (Event.PASSED,)
    # CodeShip tells of stopped builds as of failed ones; one that a newer push replaced is no news.
    stopped_by_person = to == Status.CANCELLED and "@" in who
    return (Event.FAILED,) if to in BROKEN or stopped_by_person else ()


def _was_broken(build: Build) -> bool:
    """Whether the build of this branch that was decided before did not pass."""
    before = Build.objects.of_branch(build.branch).filter(
        project=build.project_id, number__lt=build.number, ref=build.ref, status__in=_DECIDED
    )
    return before.order_by("-number").values_list("status", flat=True).first() in BROKEN


def _words(build: Build, event: Event) -> Words:
    said = verdict(build, newest_steps(build), tests=failed_tests(build))
    sentence = _sentence(said)
    if event == Event.STARTED:
        sentence = f"Build {build.number} has started"
    elif event == Event.RECOVERED:
        sentence = f"Recovered: {sentence[0].lower()}{sentence[1:]}"
    where = f"{one_line(build.project.name, 60)} {one_line(build.branch, 40)}"
    at_step = f"?step={said.step.uuid}" if said.step else ""
    return Words(
        subject=shortened(f"{where}: {sentence}", 200),
        sentence=sentence,
        details=facts(build),
        excerpt=excerpt(said.step) if event == Event.FAILED and said.step else "",
        link=build_url(build.project.uuid, build.number) + at_step,
    )


def _sentence(said: Verdict) -> str:
    tail = " ".join(part for part in (one_line(said.subject, 80), one_line(said.predicate, 300)) if part)
    return f"{said.headline} — {tail}" if tail else said.headline
