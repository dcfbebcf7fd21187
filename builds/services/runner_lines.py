"""Every runner as people see it: alive or not, what it runs as far as they may know, and what it was told. Five queries."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Case, QuerySet, Value, When
from django.db.models.functions import Now
from packaging.version import InvalidVersion, Version

from builds.models import Build, Job, Runner
from builds.services.waiting_of import closed
from builds.states import Status

MOST_RUNNERS = 500
_MOST_RUNNING = 2000


@dataclass(frozen=True)
class RunnerJob:
    """A job that a runner has; `build` only where the viewer may see it, the name also for administrators."""

    name: str
    since: datetime | None
    build: Build | None = None


@dataclass(frozen=True)
class RunnerLine:
    """One runner; `jobs` are those that may be told, `hidden` how many others it has."""

    runner: Runner
    is_alive: bool
    jobs: list[RunnerJob]
    hidden: int

    @property
    def used(self) -> int:
        """How many of its places are taken."""
        return len(self.jobs) + self.hidden

    @property
    def state(self) -> str:
        """One word: revoked, gone, left, draining, paused, hindered or ready."""
        runner = self.runner
        words = {
            "revoked": runner.revoked_at is not None,
            "left": runner.left_at is not None,
            "gone": not self.is_alive,
            "draining": runner.draining or runner.drain_at is not None,
            "paused": runner.paused_at is not None,
            "hindered": bool(runner.obstacle),
        }
        return next((word for word, is_so in words.items() if is_so), "ready")

    @property
    def closed(self) -> str:
        """Why it takes no jobs now, to be read after its name; "" = it does, or is not there."""
        return closed(self.runner) if self.is_alive else ""

    @property
    def is_old(self) -> bool:
        """Whether it is older than the web's own version."""
        try:
            return Version(self.runner.version) < Version(settings.VERSION)
        except InvalidVersion:
            return False


def runner_lines(readable: QuerySet[Build], *, sees_all: bool) -> list[RunnerLine]:
    """All runners, those that are alive first, by name. `readable`: the builds that the viewer may see; who `sees_all` is
    told the names of all jobs, and no more of what they may not see.
    """
    is_alive = Case(
        When(
            seen_at__gte=Now() - timedelta(seconds=settings.LEASE_SECONDS),
            left_at=None,
            then=Value(True),
        ),
        default=Value(False),
    )
    rows = Runner.objects.select_related("organization").annotate(alive=is_alive).order_by("-alive", "name")
    runners = list(rows[:MOST_RUNNERS])
    jobs = _jobs([runner.name for runner in runners], readable, sees_all=sees_all)
    return [RunnerLine(runner, runner.alive, *jobs[runner.name]) for runner in runners]


def _jobs(
    owners: list[str], readable: QuerySet[Build], *, sees_all: bool
) -> defaultdict[str, tuple[list[RunnerJob], int]]:
    running = Job.objects.filter(status=Status.RUNNING, owner__in=owners).order_by("started_at", "pk")
    jobs = list(running.only("name", "owner", "build_id", "started_at")[:_MOST_RUNNING])
    mine = readable.filter(pk__in={job.build_id for job in jobs}).select_related("project")
    heavy = ("plan", "project__hook_secret", "project__ssh_private_key")
    builds = {build.pk: build for build in mine.defer(*heavy).distinct()}
    found: defaultdict[str, tuple[list[RunnerJob], int]] = defaultdict(lambda: ([], 0))
    for job in jobs:
        told, hidden = found[job.owner]
        build = builds.get(job.build_id)
        if build is None and not sees_all:
            found[job.owner] = (told, hidden + 1)
        else:
            found[job.owner] = ([*told, RunnerJob(job.name, job.started_at, build)], hidden)
    return found
