"""Who is there to do the work, and why a build waits: one sentence for its page."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from django.conf import settings
from django.db.models import QuerySet
from django.db.models.functions import Now
from django.utils import timezone

from builds.models import Build, Job, Runner
from builds.states import Status


def alive() -> QuerySet[Runner]:
    """Runners whose pulse is younger than a lease, by the clock that they are seen by: the database's."""
    return Runner.objects.filter(seen_at__gte=Now() - timedelta(seconds=settings.LEASE_SECONDS))


def live_runners() -> list[Runner]:
    """Those runners by name."""
    return list(alive().order_by("name")[:500])


def why_waiting(build: Build, jobs: Sequence[Job]) -> str:
    """Why a queued build has not begun, as a sentence for people."""
    if not jobs:
        return _why_unplanned(build)
    runners = [runner for runner in live_runners() if not runner.draining]
    if not runners:
        return "It waits for a runner, and none is alive. Start one on a machine with Docker: ciservice runner"
    able = [runner for runner in runners if not runner.obstacle]
    if not able:
        return f"It waits for a runner that can take it. {runners[0].name} says: {runners[0].obstacle}"
    runners, waiting = able, next((job for job in jobs if job.status == Status.QUEUED), jobs[0])
    if lacking := _lacking_labels(waiting, runners):
        return f"It waits for a runner with the label {lacking}; none of those alive has it."
    if waiting.not_before is not None and waiting.not_before > timezone.now():
        return "Its last runner was lost; it is tried again in a moment."
    return _why_busy(build, runners)


def _why_unplanned(build: Build) -> str:
    if build.plan_attempts > 1:
        return (
            f"Its repository could not be read yet; try {build.plan_attempts + 1} follows soon. {build.reason}".strip()
        )
    return "Its commit is fetched and its configuration read."


def _lacking_labels(job: Job, runners: Sequence[Runner]) -> str:
    """The labels that the job needs, where no single runner has all of them."""
    wanted = {label for label in job.labels.split(",") if label}
    return "" if any(wanted <= set(runner.labels) for runner in runners) else ", ".join(sorted(wanted))


def _why_busy(build: Build, runners: Sequence[Runner]) -> str:
    organization = build.project.organization
    running = Job.objects.filter(status=Status.RUNNING)
    mine = running.filter(organization=organization).count()
    if mine >= organization.concurrency:
        return f"{organization} runs {mine} jobs, as many as it may at one time; this build is next in line."
    places = sum(runner.capacity for runner in runners)
    if running.count() >= places:
        return f"All {places} places on {_count(runners)} are taken; it begins when one is free."
    return "A runner takes it in a moment."


def _count(runners: Sequence[Runner]) -> str:
    return "the runner" if len(runners) == 1 else f"{len(runners)} runners"
