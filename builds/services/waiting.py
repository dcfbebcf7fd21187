"""Why a job waits, as one sentence for people. Pure: what it is decided by comes in as plain values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from builds.services.forecast import Place, Queue, Start, Waiting, forecast
from builds.services.labels import FORK, asked
from builds.words import duration

NOBODY = "It waits for a runner, and none is alive. Start one on a machine with Docker: ciservice runner"


@dataclass(frozen=True, kw_only=True)
class Why:
    """The sentence, and in how many seconds the job will begin, as far as that can be told."""

    reason: str
    seconds: float | None = None


def why_each(
    queue: Queue, *, halts: Mapping[int, str], names: Mapping[int, str], is_guessed: bool = False
) -> dict[int, Why]:
    """Why each job of the queue waits, by its id.

    `halts`: by organisation, the sentence that says why no new work begins there; `names` of the organisations.
    `is_guessed`: nothing is known of how long such jobs take, so no time is told.
    """
    starts = forecast(queue)
    found = {}
    for job in queue.waiting:
        start = starts.get(job.job_id)
        reason = (
            halts.get(job.organization_id) or _no_runner(job, queue.places) or _rests(job) or _full(job, queue, names)
        )
        is_open = not (job.organization_id in halts or _no_runner(job, queue.places))
        told = None if start is None or not is_open or (is_guessed and start.seconds > 0) else start
        sentence = reason if job.rests > 0 else _with_time(reason, told)  # which says already until when it rests
        found[job.job_id] = Why(reason=sentence, seconds=told.seconds if told else None)
    return found


def _no_runner(job: Waiting, places: Sequence[Place]) -> str:
    """Why no runner that is alive can take it; "" where one could."""
    if not places:
        return NOBODY
    able = [place for place in places if place.takes(job.labels, job.organization_id)]
    if not able:
        return _lacking(job, places)
    if any(not place.closed for place in able):
        return ""
    said = f"{able[0].name} {able[0].closed}"
    if len(able) == 1:
        return f"It waits for a runner that can take it: {said}"
    return f"It waits for a runner that can take it: none of {len(able)} does now. {said}"


def _lacking(job: Waiting, places: Sequence[Place]) -> str:
    wanted = asked(job.labels)
    if wanted and not any(wanted <= place.labels for place in places):
        said = ", ".join(sorted(wanted))
        return (
            f"It waits for a runner with the label{'s' if len(wanted) > 1 else ''} {said}; none of those alive has it."
        )
    if FORK in job.labels.split(","):
        return "It is a change from a fork, and no runner that is alive takes those."
    return "It waits for a runner: those that are alive work for others only."


def _rests(job: Waiting) -> str:
    if job.rests <= 0:
        return ""
    said = duration(timedelta(seconds=max(job.rests, 1)))
    return (
        f"Its last attempt broke on our side; it is tried again in {said}." if job.attempt else f"It waits for {said}."
    )


def _full(job: Waiting, queue: Queue, names: Mapping[int, str]) -> str:
    running = sum(each.organization_id == job.organization_id for each in queue.running)
    limit = queue.limits.get(job.organization_id, 0)
    if running >= limit:
        name = names.get(job.organization_id, "Its organisation")
        return f"{name} runs {running} job{'s' if running != 1 else ''}, as many as it may at one time."
    able = [place for place in queue.places if place.takes(job.labels, job.organization_id) and not place.closed]
    owners = {place.name for place in able}
    places = sum(place.capacity for place in able)
    if sum(each.owner in owners for each in queue.running) < places:
        return "A runner takes it in a moment."
    on = f"of {able[0].name}" if len(able) == 1 else f"on {len(able)} runners"
    return f"{f'All {places} places' if places > 1 else 'The only place'} {on} {'are' if places > 1 else 'is'} taken."


def _with_time(reason: str, start: Start | None) -> str:
    """The sentence, with what goes before and when it will begin."""
    if start is None or start.seconds < 1:
        return reason
    first = {0: "It is next", 1: "One job goes before it"}.get(start.before, f"{start.before} jobs go before it")
    return f"{reason} {first}: about {_about(start.seconds)}."


def _about(seconds: float) -> str:
    """Rounded as much as it is guessed."""
    if seconds < 50:
        return f"{max(round(seconds / 10) * 10, 10)} s"
    minutes = round(seconds / 60)
    return f"{max(minutes, 1)} min" if minutes < 90 else f"{round(minutes / 60)} h"
